"""Reports, exports and scores."""
