"""Quantisation to int8 by NNCF with control of the accuracy, for OpenVINO and ONNX."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from core.deploy.format import INPUT, FloatArray, Network, Order
from core.errors import ExportError
from core.system.openvino_core import other_cores
from core.uncertainty.calibration import fit_temperature

RANKED = 50  # images by which NNCF finds the layers that matter most; it takes those where int8 is furthest off
Model = TypeVar("Model")
Item = tuple[FloatArray, int]  # an image (1, 3, H, W) and the index of its class


def accuracy_controlled(model: Model, opened: Callable[[Any, int], Network], order: Order) -> Model:
    """Return a model of weights and activations in int8.

    Where the accuracy on the validation images falls by more than allowed, NNCF gives the layers that matter most
    their former precision again, one after another, until it does not.

    Args:
        model: an ONNX or OpenVINO model in float32.
        opened: makes a network of such a model, which takes a number of threads.
        order: holds the labelled images, and what loss is allowed.

    Raises:
        ExportError: if NNCF can't quantise it.
    """
    import nncf

    data = order.validation
    assert data is not None  # noqa: S101 - whoever orders int8 gives them
    assert data.labels is not None  # noqa: S101
    items: list[Item] = [*zip(data.images(), map(int, data.labels), strict=True)]

    def accuracy(candidate: Any, shown: Iterable[Item]) -> tuple[float, list[float]]:  # noqa: ANN401
        network = opened(candidate, order.threads)
        right = [float(network(image).argmax() == label) for image, label in shown]
        return float(np.mean(right)), right

    _tell_on_standard_error()
    try:  # what NNCF draws on standard output goes nowhere
        with other_cores(), Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            found: Model = nncf.quantize_with_accuracy_control(
                model,
                nncf.Dataset(items, lambda item: {INPUT: item[0]}),
                nncf.Dataset(items),
                accuracy,
                max_drop=order.max_loss + 1e-9,  # a difference of shares is rounded
                subset_size=len(items),
                advanced_accuracy_restorer_parameters=nncf.AdvancedAccuracyRestorerParameters(
                    ranking_subset_size=RANKED
                ),
            )
    except Exception as cause:  # NNCF and the runtimes below it raise many kinds
        raise ExportError(
            f"NNCF can't quantise this network ({type(cause).__name__}: {cause}).",
            remedy="Export it as float16.",
        ) from cause
    return found


def _tell_on_standard_error() -> None:
    """Let NNCF tell there, in place of standard output, how far it is: with many layers to try, it takes long."""
    for handler in logging.getLogger("nncf").handlers:
        if type(handler) is logging.StreamHandler:  # no other kind, whose stream is its own
            handler.setStream(sys.stderr)


def refitted_temperature(
    found: FloatArray, expected: FloatArray, labels: npt.NDArray[np.int64], before: float
) -> float:
    """Return the temperature that suits a quantised network.

    The card's was fitted on more images than there are here. So the temperature is fitted on these for both networks,
    and the card's is changed by the ratio: what these images have by chance concerns both and drops out. Where a
    network errs on none of them, likelihood alone would make it more certain without end: the temperature stays.

    Args:
        found: the quantised network's logits on the validation images, shape (N, C).
        expected: those of the network itself.
        labels: shape (N,).
        before: the card's temperature.
    """
    if any((logits.argmax(1) == labels).all() for logits in (found, expected)):
        return before
    return before * fit_temperature(found, labels) / fit_temperature(expected, labels)
