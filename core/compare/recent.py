"""A cache of the most recently used values."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """Keeps the most recently used values; the least recently used is dropped first.

    Several threads may use it; while one makes a value, the others wait.

    Args:
        most: how many are kept.
        size: how large a value is, in bytes.
        most_bytes: bound on all of them together, or None for none; the last value stays however large it is.
    """

    def __init__(
        self, most: int, size: Callable[[Value], int] = lambda _value: 0, most_bytes: int | None = None
    ) -> None:
        self._most, self._size, self._most_bytes = most, size, most_bytes
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.RLock()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key, made if it is not there."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            value = self._values[key]
            while len(self._values) > self._most or (len(self._values) > 1 and self._is_too_large()):
                self._values.popitem(last=False)
            return value

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._values.clear()

    def _is_too_large(self) -> bool:
        return self._most_bytes is not None and sum(map(self._size, self._values.values())) > self._most_bytes
