"""The last explanations of one network, so that an image that is shown again has its heat maps at once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from core.explain.scorecam import ScoreCam
from core.runtimes.base import FloatArray, Runtime

MAX_BYTES = 32 << 20


class ScoreCamCache:
    """Explanations by image; the least recently used are dropped when they take more memory than a bound.

    A cache belongs to one runtime, and so to one set of weights and one layer; its key is the image's pixels.

    Args:
        runtime: the network.
        max_bytes: bound on the memory; the last explanation stays, however large it is.
    """

    def __init__(self, runtime: Runtime, max_bytes: int = MAX_BYTES) -> None:
        self._runtime = runtime
        self._max_bytes = max_bytes
        self._explained: OrderedDict[bytes, ScoreCam] = OrderedDict()
        self._last_output: tuple[bytes, tuple[FloatArray, FloatArray]] | None = None
        self._lock = threading.Lock()

    def remember(self, image: FloatArray, output: tuple[FloatArray, FloatArray]) -> None:
        """Keep the runtime's logits (1, C) and maps (1, K, h, w) for an image until those of the next one.

        The last image is the one most likely to be explained, and its first heat map then takes a forward less.
        """
        with self._lock:
            self._last_output = _key(image), output

    def get(self, image: FloatArray) -> ScoreCam:
        """Return the explanation of a normalised input (1, 3, H, W), with all that has been scored of it so far."""
        key = _key(image)
        with self._lock:
            if key in self._explained:
                self._explained.move_to_end(key)
                return self._explained[key]
            last = self._last_output
        fresh = ScoreCam(self._runtime, image, last[1] if last and last[0] == key else None)
        with self._lock:
            self._explained[key] = fresh
            while len(self._explained) > 1 and self._bytes() > self._max_bytes:
                self._explained.popitem(last=False)
        return fresh

    def _bytes(self) -> int:
        return sum(found.nbytes for found in self._explained.values())


def _key(image: FloatArray) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()
