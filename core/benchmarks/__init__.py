"""Latency, Score-CAM speed and fidelity, memory."""
