"""Predictions of both models made by hand on the cards of the installed bundles, and small images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent

from core.compare.classifier import Latency, Prediction
from core.compare.comparison import Comparison, ModelResult
from core.explain.heatmap import HeatMap
from core.images.medical_image import MedicalImage
from core.models.catalogue import read_catalogue


def picture(pixels, bits=8, **more):
    return MedicalImage(pixels=pixels, path=Path("picture.png"), format="PNG", digest="0" * 64, bits=bits, **more)


def heat(rows, explained=0, method="exact", error=0.0):
    values = np.asarray(rows, np.float32)
    return HeatMap(values, explained, "layer", method, 512, 512, error, 1.0)


def answer(role, chances, heat_map=None, forward_ms=10.0, **more):
    bundle = read_catalogue().find("chest-xray", role)
    p = np.asarray(chances, np.float64)
    prediction = Prediction(
        bundle.card.classes, np.log(p).astype(np.float32), p, Latency(2.0, forward_ms, 3), "openvino", "CPU", "float32"
    )
    return ModelResult(bundle, replace(prediction, **more), heat_map)


LEFT = heat([[1.0, 0.2, 0.0], [1.0, 0.2, 0.0], [1.0, 0.2, 0.0]])
RIGHT = heat([[0.0, 0.2, 1.0], [0.0, 0.2, 1.0], [0.0, 0.2, 1.0]])


def agreeing():
    return Comparison(
        answer("teacher", (0.912, 0.061, 0.027), LEFT, forward_ms=310.0),
        answer("student", (0.887, 0.089, 0.024), RIGHT),
    )


def disagreeing():
    return Comparison(
        answer("teacher", (0.05, 0.9, 0.05), LEFT, forward_ms=310.0), answer("student", (0.97, 0.02, 0.01), RIGHT)
    )


def dispose(widget):
    """Close and delete a widget now, so that the style sheets of later tests need not reach it."""
    widget.close()
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def layer(panel):
    """Return the picture that lies over a panel's image, None where none is seen."""
    return panel.view.blended.layer
