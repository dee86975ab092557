"""Files, folders, processes: independent of images and models."""
