"""A training run on disk, and as a model."""
