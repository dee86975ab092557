"""Twinlens core: what a prediction is, without a window and without training code."""

__version__ = "0.1.0"
