"""The history and the reader's reviews."""
