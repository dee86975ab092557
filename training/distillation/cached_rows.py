"""Arrays on disk with a row for each training image, computed once and shared by runs; NaN marks what is missing.

Rows are computed in their own order and in parts of a fixed size: what is stored does not depend on when or for which
run it was computed, and a part that was cut short by a kill is computed again whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.system.cache import TEACHER_LOGITS

FloatArray = npt.NDArray[np.float32]


def open_rows(key: str, shape: tuple[int, ...]) -> FloatArray:
    """Open an array of the cache of teachers' outputs for reading and writing; a new one holds nothing but NaN.

    Args:
        key: its path below the cache, with the suffix ``.npy``.
        shape: its shape; a file of another one is made anew.
    """
    if not _fits(TEACHER_LOGITS.entry(key), shape):
        with TEACHER_LOGITS.new(key) as path:
            np.save(path, np.full(shape, np.nan, np.float32))
    opened: FloatArray = np.load(TEACHER_LOGITS.entry(key), mmap_mode="r+")
    return opened


def fill(
    files: list[FloatArray],
    part: int,
    compute: Callable[[int, slice], npt.NDArray[np.floating]],
    share: tuple[int, int] = (0, 1),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> None:
    """Compute the rows that are missing.

    Args:
        files: arrays of equally many rows.
        part: how many rows are computed together.
        compute: given an array's place and its rows, returns their values.
        share: (process, processes): which part of what is missing this process computes.
        progress: called with (done, total) rows; what it raises stops the work.
    """
    rows = len(files[0])
    missing = [
        (k, start)
        for k, file in enumerate(files)
        for start in range(0, rows, part)
        if np.isnan(file[start : start + part]).any()
    ]
    mine = missing[share[0] :: share[1]]
    turn = os.getpid() % max(1, len(mine))  # runs that need the same rows begin in different places
    for done, (k, start) in enumerate(mine[turn:] + mine[:turn]):
        progress(done * part, len(mine) * part)
        own = slice(start, min(start + part, rows))
        if np.isnan(files[k][own]).any():
            files[k][own] = compute(k, own)


def _fits(path: Path, shape: tuple[int, ...]) -> bool:
    try:
        found = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return False
    return bool(found.shape == shape and found.dtype == np.float32)
