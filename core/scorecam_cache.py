"""The last explanations of one network, so that an image looked at again has its maps at once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from core.runtime import FloatArray, Runtime
from core.scorecam import ScoreCam

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
        self._lock = threading.Lock()

    def get(self, image: FloatArray) -> ScoreCam:
        """Return the explanation of a normalised input (1, 3, H, W), with all that has been scored of it so far."""
        key = hashlib.sha256(image.tobytes()).digest()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        fresh = ScoreCam(self._runtime, image)
        with self._lock:
            self._kept[key] = fresh
            while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > self._max_bytes:
                self._kept.popitem(last=False)
        return fresh
