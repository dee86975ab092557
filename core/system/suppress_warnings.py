"""Libraries' warnings kept off the terminal: what the user needs is in an error or a notice."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# the filters of warnings are process-wide, and only one thread at a time may change them
_LOCK = threading.Lock()


@contextmanager
def without_warnings() -> Iterator[None]:
    """Ignore Python warnings within; other threads that do the same wait."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
