"""Networks that take turns: one computes at a time, on all cores, whichever thread asks.

Two at once would only take the cores from each other, and neither's time would mean anything.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.runtimes.base import FloatArray, Runtime
from core.runtimes.masks import MaskScorer


class Turns:
    """Whose turn it is.

    Attributes:
        seconds: wall-clock time for which a network has computed.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    @contextmanager
    def take(self) -> Iterator[None]:
        """Wait until no other network computes, and let none compute within."""
        with self._lock:
            started = time.perf_counter()
            try:
                yield
            finally:
                self.seconds += time.perf_counter() - started


class TurnTakingRuntime:
    """A runtime that waits for its turn before each forward; implements :class:`core.runtimes.base.Runtime`.

    Args:
        runtime: computes.
        turns: shared by the networks that take turns.
    """

    def __init__(self, runtime: Runtime, turns: Turns) -> None:
        self.name, self.device, self.precision = runtime.name, runtime.device, runtime.precision
        self.batch_size, self.layer, self.notice = runtime.batch_size, runtime.layer, runtime.notice
        self._runtime, self._turns = runtime, turns

    def forward(self, batch: FloatArray) -> FloatArray:
        """Return logits (N, C) for normalised images (N, 3, H, W)."""
        with self._turns.take():
            return self._runtime.forward(batch)

    def forward_with_maps(self, batch: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return logits (N, C) and the last spatial feature maps (N, K, h, w)."""
        with self._turns.take():
            return self._runtime.forward_with_maps(batch)

    def mask_scorer(self, image: FloatArray, map_size: tuple[int, int], *, half: bool = False) -> MaskScorer:
        """Return a function from feature maps (n, h, w) to the logits (n, C) of the masked image."""
        score = self._runtime.mask_scorer(image, map_size, half=half)

        def in_turn(maps: FloatArray) -> FloatArray:
            with self._turns.take():
                return score(maps)

        return in_turn

    def prepare_masks(self) -> None:
        """Prepare what the first masks would otherwise wait for."""
        self._runtime.prepare_masks()
