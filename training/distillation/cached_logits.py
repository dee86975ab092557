"""Teachers' logits on every view of every training image, computed once and kept on disk.

One array file a view and teacher, (N, C) float32, in which NaN marks what is not computed yet. Its folder is named
by the teacher's weights, what computes them, the images and the augmentation, so that runs which share all these share
the work.
Images go through a teacher in their own order and in batches of a fixed size: what is stored does not depend on when
or for which run it was computed, and a batch that was cut short by a kill is computed again whole.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.errors import TwinlensError
from core.system.cache import TEACHER_LOGITS
from training.data.augmentation import COLUMNS, as_floats, augment, network_input, view_numbers
from training.data.decoded_images import ImageStore
from training.distillation.teachers import Engine, Teacher
from training.recipe import Augment

if TYPE_CHECKING:
    import torch

FloatArray = npt.NDArray[np.float32]
CHUNK = 64


class TeacherLogits:
    """The cached logits of several teachers on the views of a set of images.

    Args:
        teachers: the teachers, on the device where they compute.
        engines: what computes each one's logits.
        store: the images.
        views: the augmentation.
        classes: number of classes.
    """

    def __init__(
        self,
        teachers: list[Teacher],
        engines: list[Engine],
        store: ImageStore,
        views: Augment,
        classes: int,
    ) -> None:
        self._teachers = teachers
        self._engines = engines
        self._store = store
        self._views = views
        self._shape = (len(store), classes)
        unmixed = views.model_copy(update={"views": 0, "mixup": 0.0, "cutmix": 0.0})
        named = f"{store.key} {unmixed.model_dump_json()}"
        self._keys = [_digest(teacher, engine, named) for teacher, engine in zip(teachers, engines, strict=True)]

    def of_view(
        self,
        view: int,
        pixels: torch.Tensor,
        share: tuple[int, int] = (0, 1),
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> FloatArray:
        """Return the logits of one view, (K, N, C), after computing those that are missing.

        Args:
            view: which view.
            pixels: the store's pixels, (N, H, W, channels) uint8, on the teachers' device or not.
            share: (process, processes): which part of the missing logits this process computes.
            progress: called with (done, total) images; what it raises stops the work.

        Raises:
            TwinlensError: if a teacher's logits are not finite.
        """
        files = [self._open(f"{key}/view-{view:04d}.npy") for key in self._keys]
        numbers = view_numbers(self._views.seed, view, len(self._store))
        starts = list(range(0, len(self._store), CHUNK))
        missing = [
            (k, start)
            for k, file in enumerate(files)
            for start in starts
            if np.isnan(file[start : start + CHUNK]).any()
        ]
        mine = missing[share[0] :: share[1]]
        turn = os.getpid() % max(1, len(mine))  # runs that need the same logits begin in different places
        for done, (k, start) in enumerate(mine[turn:] + mine[:turn]):
            progress(done * CHUNK, len(mine) * CHUNK)
            rows = slice(start, min(start + CHUNK, len(self._store)))
            if np.isnan(files[k][rows]).any():
                files[k][rows] = self._logits(k, pixels[rows], numbers[rows])
        return np.stack(files)

    def _logits(self, k: int, pixels: torch.Tensor, numbers: FloatArray) -> FloatArray:
        import torch

        teacher = self._teachers[k]
        device = next(teacher.module.parameters()).device
        images = augment(as_floats(pixels.to(device)), torch.from_numpy(numbers).to(device), self._views)
        found: FloatArray = self._engines[k].forward(network_input(images, teacher.how)).cpu().numpy()
        if not np.isfinite(found).all():
            raise TwinlensError(
                f"The logits of the teacher {teacher.id} are not finite.", remedy="Choose another teacher."
            )
        return found

    def _open(self, key: str) -> FloatArray:
        """Open a view's file for reading and writing; a new one holds nothing but NaN."""
        if not self._fits(TEACHER_LOGITS.entry(key)):
            with TEACHER_LOGITS.new(key) as path:
                np.save(path, np.full(self._shape, np.nan, np.float32))
        opened: FloatArray = np.load(TEACHER_LOGITS.entry(key), mmap_mode="r+")
        return opened

    def _fits(self, path: Path) -> bool:
        try:
            found = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError):
            return False
        return bool(found.shape == self._shape and found.dtype == np.float32)


def _digest(teacher: Teacher, engine: Engine, named: str) -> str:
    facts = f"{teacher.sha256} {teacher.how.model_dump_json()} {named} {engine.name} {COLUMNS}"
    return hashlib.sha256(facts.encode()).hexdigest()[:20]
