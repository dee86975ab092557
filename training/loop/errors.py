"""Errors that end a run, in words for a person."""

from __future__ import annotations

import errno

from core.errors import TwinlensError, WriteError
from core.system.paths import cache_folder
from training.runs.folder import RunFolder

KEPT = "Then resume with --resume: the last checkpoint is kept."


class TrainingError(TwinlensError):
    """A run could not continue."""


def explain(cause: Exception, folder: RunFolder) -> Exception:
    """Return an error with a remedy, or the cause itself where there is nothing to add."""
    import torch

    origin = cause.__cause__ if isinstance(cause, WriteError) else cause
    if isinstance(origin, OSError) and origin.errno in (errno.ENOSPC, errno.EDQUOT):
        cache = cache_folder()
        if isinstance(cause, WriteError) and cause.path is not None and cause.path.is_relative_to(cache):
            remedy = f"Make room, or name a folder on another disk in TWINLENS_CACHE. {KEPT}"
            return TrainingError("The disk that holds the cache is full.", path=cache, remedy=remedy)
        return TrainingError("The disk is full.", path=folder.path, remedy=f"Make room. {KEPT}")
    if isinstance(cause, torch.OutOfMemoryError | MemoryError):
        return TrainingError(
            "There is not enough memory for this batch.",
            path=folder.path,
            remedy="Start again with a larger optim.accumulate, or a smaller optim.batch.",
        )
    return cause
