"""The last explanations of one network, so that an image looked at again has its maps at once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from core.explain.scorecam import ScoreCam
from core.runtimes.base import FloatArray, Runtime

MAX_BYTES = 32 << 20


class ScoreCamCache:
    """Keeps explanations, the least recently used go first when they take more than a bound.

    A cache belongs to one runtime, and so to one set of weights and one layer; images are told apart by their pixels.

    Args:
        runtime: the network.
        max_bytes: bound on the memory of what is kept; the last explanation is kept however large it is.
    """

    def __init__(self, runtime: Runtime, max_bytes: int = MAX_BYTES) -> None:
        self._runtime = runtime
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, ScoreCam] = OrderedDict()
        self._last_answer: tuple[bytes, tuple[FloatArray, FloatArray]] | None = None
        self._lock = threading.Lock()

    def remember(self, image: FloatArray, answer: tuple[FloatArray, FloatArray]) -> None:
        """Keep the runtime's logits (1, C) and maps (1, K, h, w) for an image until the next one is answered.

        It is the one most likely to be explained, and its first map then comes a forward sooner.
        """
        with self._lock:
            self._last_answer = _key(image), answer

    def get(self, image: FloatArray) -> ScoreCam:
        """Return the explanation of a normalised input (1, 3, H, W), with all that has been scored of it so far."""
        key = _key(image)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            last = self._last_answer
        fresh = ScoreCam(self._runtime, image, last[1] if last and last[0] == key else None)
        with self._lock:
            self._kept[key] = fresh
            while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > self._max_bytes:
                self._kept.popitem(last=False)
        return fresh


def _key(image: FloatArray) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()
