"""Training, evaluation and export of the project's own detector; needs the `training` extra."""
