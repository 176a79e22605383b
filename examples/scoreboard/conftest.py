"""Its place puts this directory on the import path, so that tests import `scoreboard` as the container does."""
