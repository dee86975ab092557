"""Twinlens training: how weights are made and measured. Uses core; knows nothing of windows."""
