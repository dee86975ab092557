"""Whole slides: read in parts at any magnification, cut into fields, and compared field by field."""
