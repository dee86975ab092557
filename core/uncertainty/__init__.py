"""Calibration, conformal sets, novelty gate."""
