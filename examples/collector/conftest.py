"""Its place puts this directory on the import path, so that tests import `standin` as the container does."""
