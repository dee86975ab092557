"""Calibration, conformal sets, novelty."""
