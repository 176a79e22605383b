"""An AWS on one machine that runs containers and carries traffic; see README.md."""
