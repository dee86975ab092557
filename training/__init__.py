"""Twinlens training: train, evaluate and publish models. Uses core, never the window."""
