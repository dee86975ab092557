"""How a model's weights are stored: as small as its accuracy allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.models.bundle import Bundle
from core.models.bundle_writing import write_bundle
from core.models.card import Card, Storage
from core.models.packing import State
from core.runtimes.base import RuntimeChoice
from core.runtimes.load import load_runtime
from training.data.dataset import Sample
from training.evaluation.predictions import Predictions, predict

if TYPE_CHECKING:
    from onnx import ModelProto

STORAGES: tuple[Storage, ...] = ("int8", "float16", "float32")  # the smallest first
LOSS = 0.003  # of accuracy on the validation split that a smaller storage may cost


def smallest(
    scratch: Path,
    state: State,
    card: Card,
    traced: ModelProto,
    samples: Sequence[Sample],
    runtime: RuntimeChoice = "auto",
    threads: int | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Bundle:
    """Return the smallest bundle that loses no more than ``LOSS`` of the float32 weights' accuracy.

    Args:
        scratch: an empty folder, which gets a bundle for each storage.
        state: float32 tensors of the network.
        card: its card.
        traced: the network's graph.
        samples: images of the validation split.
        runtime: which runtime computes.
        threads: CPU threads, or None.
        say: called with a line on each storage.
    """
    made: dict[Storage, Bundle] = {}
    scored: dict[Storage, float] = {}
    for storage in ("float32", *STORAGES[:-1]):
        stored = card.model_copy(update={"storage": storage})
        made[storage] = packed = write_bundle(scratch / storage, state, stored, traced=traced)
        scored[storage] = _accuracy(predict(packed, load_runtime(packed, runtime, threads), samples), card)
        say(f"{storage}: accuracy on val {100 * scored[storage]:.2f} %, {packed.weights_bytes / 1e6:.1f} MB")
    storage = next(s for s in STORAGES if scored[s] >= scored["float32"] - LOSS)
    say(f"stored as {storage}")
    return made[storage]


def _accuracy(found: Predictions, card: Card) -> float:
    return float((found.logits.argmax(axis=1) == found.labels(card.classes)).mean())
