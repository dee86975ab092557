"""Twinlens core: images, models, runtimes, heat maps, comparisons and reports, without a window or training."""

import os
import sys

__version__ = "0.2.0"

NOTICE = "For research use only. Not for diagnosis."  # on every page, in every window and in every export

# NumPy's OpenBLAS threads keep spinning after each product and take the cores from the networks: Score-CAM of the
# student took 1.6 times as long with them. It reads this when NumPy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# OpenVINO's converter reports what it does to Google Analytics and keeps an identifier in the user's home, unless its
# telemetry package is missing: then it takes a stub that does nothing. Here it is missing, for this process.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

# ONNX Runtime reports to Microsoft and keeps an identifier in the user's home, unless one of these is set before it is
# imported (which one depends on its version).
os.environ.update({"ORT_DISABLE_TELEMETRY": "1", "ORT_TELEMETRY_DISABLED": "1"})
