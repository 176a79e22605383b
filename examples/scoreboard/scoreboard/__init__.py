"""A small scoreboard service with the operational interface that pear.fargate deploys and watches. Standard library only."""
