"""The teacher's heat maps of the training images: fast Score-CAM, computed once and moved as the views are.

As in explanation-enhanced distillation with frozen explanations (e2KD, Parchami-Araghi et al., arXiv 2402.03119), an
image is explained as it is, for the class that the teacher gives it; a view of the image gets the map turned, mirrored
and zoomed likewise. So six views need one explanation.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.explain.scorecam import ScoreCam
from core.models.bundle_writing import with_graph
from core.runtimes.base import Runtime
from core.runtimes.load import load_runtime
from training.data.augmentation import as_floats, move, network_input
from training.data.decoded_images import ImageStore
from training.data.lungs import Lungs
from training.distillation.cached_rows import FloatArray, fill, open_rows
from training.distillation.teachers import Teacher
from training.recipe_parts import Augment

if TYPE_CHECKING:
    import torch
    from torch import Tensor

SIDE = 32  # height and width of a cached map
PART = 8  # images explained between two looks at whether to stop
LAYOUT = 1  # to be raised when Score-CAM or what is stored changes


class TeacherHeatMaps:
    """The heat maps of one teacher.

    Args:
        teacher: the teacher.
        store: the images.
        views: the augmentation.
        lungs: where only evidence on the lungs counts, where they lie; else None.
    """

    def __init__(self, teacher: Teacher, store: ImageStore, views: Augment, lungs: Lungs | None = None) -> None:
        self._teacher = teacher
        self._store = store
        self._views = views.model_copy(update={"fill": "zeros"})
        self._lungs = lungs
        facts = f"{teacher.sha256} {teacher.how.model_dump_json()} {store.key} heat maps {LAYOUT}"
        self._key = f"{hashlib.sha256(facts.encode()).hexdigest()[:20]}/heat-maps.npy"
        self._rows: FloatArray | None = None

    def compute(
        self,
        pixels: torch.Tensor,
        share: tuple[int, int] = (0, 1),
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        """Explain the images that are not explained yet; for the arguments see :meth:`TeacherLogits.of_view`."""
        self._rows = open_rows(self._key, (len(self._store), 1 + SIDE * SIDE))
        fill([self._rows], PART, lambda _k, rows: self._explained(pixels[rows]), share, progress)

    def of(self, places: npt.NDArray[np.int64], numbers: npt.NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Return the maps of views, after :meth:`compute`.

        Args:
            places: places of the images in the store, (B,).
            numbers: the view's random numbers, a row an image of the store.

        Returns:
            Maps (B, SIDE, SIDE) in [0, 1], 0 outside the image, and the classes that they explain, (B,) int64.
        """
        import torch

        assert self._rows is not None  # noqa: S101 - for the type checker
        rows = torch.from_numpy(self._rows[places])
        maps, classes = rows[:, 1:].reshape(-1, 1, SIDE, SIDE), rows[:, 0].long()
        if self._lungs is not None:
            maps = maps * _shrunk(torch.from_numpy(self._lungs.of(places)))
        return move(maps, torch.from_numpy(numbers[places]), self._views).squeeze(1), classes

    def _explained(self, pixels: torch.Tensor) -> FloatArray:
        """Return for each image the class that the teacher gives it, and its heat map in rows, (n, 1 + SIDE²)."""
        batch = network_input(as_floats(pixels.cpu()), self._teacher.how).contiguous().numpy()
        return np.stack([self._explain(image[None]) for image in batch])

    def _explain(self, image: FloatArray) -> FloatArray:
        cam = ScoreCam(self._runtime, image)
        predicted = int(cam.logits.argmax())
        *_, heat = cam.refine(predicted)
        return np.append(np.float32(predicted), heat.resized(SIDE, SIDE).ravel())

    @cached_property
    def _runtime(self) -> Runtime:
        """What scores the masks; it is loaded where something is missing."""
        import torch

        return load_runtime(with_graph(self._teacher.bundle), threads=torch.get_num_threads())


def _shrunk(masks: Tensor) -> Tensor:
    from torch.nn.functional import adaptive_avg_pool2d

    return adaptive_avg_pool2d(masks.unsqueeze(1).float(), (SIDE, SIDE))
