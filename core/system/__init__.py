"""Files, folders, processes: knows nothing of images and models."""
