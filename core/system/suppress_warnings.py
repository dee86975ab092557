"""Libraries' warnings kept off the terminal: what matters of them is told as an error."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# warnings are told through process-wide filters, which threads may only change one at a time
_LOCK = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore Python warnings within; other threads that ask for the same wait meanwhile."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
