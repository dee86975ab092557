"""Twinlens core: what a prediction is, without a window and without training code."""

import os

__version__ = "0.1.0"

# NumPy's OpenBLAS threads keep spinning after each product and take the cores from the networks: Score-CAM of the
# student took 1.6 times as long with them. It reads this when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
