"""What a file holds, as a digest: the same image under another name is the same image."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

UNREADABLE = "unreadable"


def content_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal; ``unreadable`` where they can't be read.

    A file that has not changed its size and time since is not read again by this process.
    """
    try:
        state = path.stat()
        return _digest(str(path), state.st_size, state.st_mtime_ns)
    except OSError:
        return UNREADABLE


@lru_cache(maxsize=1_000_000)
def _digest(path: str, _size: int, _time: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
