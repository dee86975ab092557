"""Predictions on a data set and their scores."""
