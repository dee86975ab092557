"""Teachers' logits on every view of every training image, computed once and kept on disk.

One array file a view and teacher, (N, C) float32. Its folder is named by the teacher's weights, what computes them, the
images and what makes views of them, so that runs which share all these share the work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from core.errors import TwinlensError
from training.data.augmentation import COLUMNS, as_floats, augment, network_input, view_numbers
from training.data.decoded_images import ImageStore
from training.data.hiding import Hiding
from training.distillation.cached_rows import FloatArray, fill, open_rows
from training.distillation.teachers import Engine, Teacher
from training.recipe_parts import Augment

if TYPE_CHECKING:
    import torch

CHUNK = 64


class TeacherLogits:
    """The cached logits of several teachers on the views of a set of images.

    Args:
        teachers: the teachers, on the device where they compute.
        engines: what computes each one's logits.
        store: the images.
        views: the augmentation.
        classes: number of classes.
        hiding: what is hidden in some views, or None.
    """

    def __init__(
        self,
        teachers: list[Teacher],
        engines: list[Engine],
        store: ImageStore,
        views: Augment,
        classes: int,
        hiding: Hiding | None = None,
    ) -> None:
        self._teachers = teachers
        self._engines = engines
        self._store = store
        self._views = views
        self._hiding = hiding
        self._shape = (len(store), classes)
        unmixed = views.model_copy(update={"views": 0, "mixup": 0.0, "cutmix": 0.0})
        named = f"{store.key} {unmixed.model_dump_json()}{'' if hiding is None else f' {hiding.key}'}"
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
        files = [open_rows(f"{key}/view-{view:04d}.npy", self._shape) for key in self._keys]
        numbers = view_numbers(self._views.seed, view, len(self._store))
        fill(files, CHUNK, lambda k, rows: self._logits(k, pixels, numbers, rows), share, progress)
        return np.stack(files)

    def _logits(self, k: int, pixels: torch.Tensor, numbers: FloatArray, rows: slice) -> FloatArray:
        import torch

        teacher = self._teachers[k]
        device = next(teacher.module.parameters()).device
        images, own = as_floats(pixels[rows].to(device)), torch.from_numpy(numbers[rows]).to(device)
        if self._hiding is not None:
            images = self._hiding(images, own, np.arange(rows.start, rows.stop))
        images = augment(images, own, self._views)
        found: FloatArray = self._engines[k].forward(network_input(images, teacher.how)).cpu().numpy()
        if not np.isfinite(found).all():
            raise TwinlensError(
                f"The logits of the teacher {teacher.id} are not finite.", remedy="Choose another teacher."
            )
        return found


def _digest(teacher: Teacher, engine: Engine, named: str) -> str:
    facts = f"{teacher.sha256} {teacher.how.model_dump_json()} {named} {engine.name} {COLUMNS}"
    return hashlib.sha256(facts.encode()).hexdigest()[:20]
