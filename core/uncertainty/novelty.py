"""Is this image like those that a model was made for?

A thumbnail of the image is compared with typical thumbnails of the training data, and its distance to the nearest one
counts. Radiographs have a layout: their brightness, freed of contrast and exposure, lies where lungs, heart and
shoulders lie, and edges run as ribs and diaphragm do (oriented gradients, after Dalal and Triggs 2005). Histology tiles
have none, but colours and grain of their own. Detectors over the student's features (Mahalanobis distances, energy,
nearest neighbours) were measured beside this one and are worse at many times the size: what a network has learnt to
ignore, it does not notice. ``python -m training novelty`` prints the table.

A radiograph that is turned, inverted, cut or blurred keeps much of its layout. So its gate also knows decoys, typical
thumbnails of images that were disturbed so (outlier exposure, Hendrycks et al. 2019), and refuses what comes nearer to
them than its own kind does.

Freed of contrast and exposure, a film at a quarter of its brightness looks like any other, and flips a network's
answer. So the gate has a second view, of the exposure: how brightness is spread, how much of it is clipped, whether
neighbours jump or are alike, how sharp the picture is. It has centres and decoys of its own: darkened, wrapped, banded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from core.errors import BundleError
from core.tasks import TASKS
from core.uncertainty.thumbnail import COLOUR_SIZE, EXPOSURE_SIZE, LAYOUT_SIZE, described, exposures, thumbnail

if TYPE_CHECKING:
    from core.images.preprocessing import Preprocessing

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
State = dict[str, npt.NDArray[np.generic]]

NEAREST = 1e-6  # a decoy is taken to be no nearer
EXPOSURE = "exposure_"  # the names of the second view's tensors begin so
REMEDY = "Install the bundle again."


@dataclass(frozen=True)
class Novelty:
    """How unlike a model's training images one image is.

    Attributes:
        score: distance from the training images, as a multiple of what is refused; larger is stranger.
        threshold: scores above it are refused.
        reason: what a person is told where the image is refused, else an empty string.
    """

    score: float
    threshold: float
    reason: str = ""

    @property
    def is_novel(self) -> bool:
        """Whether the image is too strange to be judged."""
        return self.score > self.threshold


@dataclass(frozen=True, eq=False)
class View:
    """One way to look at images, and what is typical in it.

    Attributes:
        centres: shape (M, D): descriptions of typical images, each the mean of several, so that no image can be seen
            in them.
        threshold: distances above it are refused.
        decoys: shape (N, D): descriptions of typical images that were disturbed; N may be 0.
        reach: the distance from the nearest decoy within which an image's own distance counts for more.
        mean: shape (E,): subtracted from descriptions, or None.
        matrix: shape (E, D): makes what is left comparable in all directions, or None.
    """

    centres: Float64Array
    threshold: float
    decoys: Float64Array
    reach: float
    mean: Float64Array | None = None
    matrix: Float64Array | None = None

    def distances(self, rows: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return how far descriptions (N, E) are from their nearest centres (N,) and decoys (N,)."""
        if self.mean is not None and self.matrix is not None:
            rows = (rows - self.mean) @ self.matrix
        return nearest(self.centres, rows), nearest(self.decoys, rows)

    def scores(self, rows: Float64Array) -> Float64Array:
        """Return how strange descriptions (N, E) are, shape (N,): above 1 they are refused."""
        return strangeness(*self.distances(rows), self.reach) / self.threshold


@dataclass(frozen=True, eq=False)
class NoveltyGate:
    """Refuses images that a model was not made for.

    Attributes:
        likeness: the view of layout (radiographs) or of colours and grain (histology); the length of its centres tells
            which.
        exposure: the view of brightness, contrast and sharpness; None in older bundles.
    """

    likeness: View
    exposure: View | None = None
    threshold: ClassVar[float] = 1.0  # scores above it are refused

    @property
    def by_layout(self) -> bool:
        """Whether it looks at the layout (radiographs), else at colours and grain (histology)."""
        return bool(self.likeness.centres.shape[1] == LAYOUT_SIZE)

    def scores(self, thumbnails: npt.ArrayLike) -> Float64Array:
        """Return how strange thumbnails (N, CHANNELS, S, S) are, shape (N,): the larger of the views' scores."""
        found = self.likeness.scores(described(thumbnails, by_layout=self.by_layout))
        if self.exposure is None:
            return found
        return np.maximum(found, self.exposure.scores(exposures(thumbnails, colour=not self.by_layout)))

    def judge(self, batch: FloatArray, how: Preprocessing, task: str) -> Novelty:
        """Judge one image.

        Args:
            batch: the network's input, shape (1, 3, H, W).
            how: the transform that made it.
            task: the model's task, for the reason in words.
        """
        small = thumbnail(batch, how)
        score = float(self.scores(small)[0])
        return Novelty(score, self.threshold, self._reason(small, task) if score > self.threshold else "")

    def _reason(self, small: FloatArray, task: str) -> str:
        kinds = TASKS[task].image_kinds if task in TASKS else "images"
        rows = described(small, by_layout=self.by_layout)
        if self.likeness.scores(rows)[0] <= self.threshold:
            return (
                f"In brightness, contrast or sharpness this image is unlike the {kinds} that the model was trained on."
            )
        if self.likeness.distances(rows)[1][0] < self.likeness.reach:
            return f"In its layout this image is like {kinds} turned, inverted, cut or blurred."
        what = "In its layout" if self.by_layout else "In its colours and texture"
        return f"{what} this image is unlike the {kinds} that the model was trained on."

    def state(self) -> State:
        """Return the numbers as tensors, for ``novelty.safetensors``."""
        found = _view_state(self.likeness)
        if self.exposure is not None:
            found |= {f"{EXPOSURE}{name}": values for name, values in _view_state(self.exposure).items()}
        return found


def _view_state(view: View) -> State:
    found: State = {
        "centres": view.centres.astype(np.float16),
        "threshold": np.array([view.threshold], np.float32),
        "decoys": view.decoys.astype(np.float16),
        "reach": np.array([view.reach], np.float32),
    }
    if view.mean is not None and view.matrix is not None:
        found |= {"mean": view.mean.astype(np.float32), "matrix": view.matrix.astype(np.float32)}
    return found


def read_gate(state: State) -> NoveltyGate:
    """Make the gate from the tensors of ``novelty.safetensors``.

    Raises:
        BundleError: if one is missing, has another shape or holds what is not finite.
    """
    if state.keys() == {"centres", "threshold"}:  # bundles of cards up to format 3
        state = {**state, "decoys": state["centres"][:0], "reach": np.zeros(1, np.float32)}
    exposure = {name.removeprefix(EXPOSURE): value for name, value in state.items() if name.startswith(EXPOSURE)}
    likeness = _read_view({name: value for name, value in state.items() if not name.startswith(EXPOSURE)})
    if likeness.mean is not None or likeness.centres.shape[1] not in {LAYOUT_SIZE, COLOUR_SIZE}:
        raise BundleError(f"The novelty statistics have centres of the shape {likeness.centres.shape}.", remedy=REMEDY)
    gate = NoveltyGate(likeness, _read_view(exposure) if exposure else None)
    if gate.exposure is not None:
        size = EXPOSURE_SIZE if gate.by_layout else EXPOSURE_SIZE + 4
        if gate.exposure.mean is None or gate.exposure.mean.shape != (size,):
            raise BundleError(f"The novelty statistics do not describe the exposure by {size} numbers.", remedy=REMEDY)
    return gate


def _read_view(state: State) -> View:
    if state.keys() - {"mean", "matrix"} != {"centres", "threshold", "decoys", "reach"}:
        raise BundleError("The novelty statistics are not centres, decoys, a threshold and a reach.", remedy=REMEDY)
    numbers = {name: np.asarray(values, dtype=np.float64) for name, values in state.items()}
    centres, decoys = numbers["centres"], numbers["decoys"]
    if centres.ndim != 2 or not len(centres) or not centres.shape[1]:
        raise BundleError(f"The novelty statistics have centres of the shape {centres.shape}.", remedy=REMEDY)
    if decoys.ndim != 2 or decoys.shape[1] != centres.shape[1]:
        raise BundleError(f"The novelty statistics have decoys of the shape {decoys.shape}.", remedy=REMEDY)
    mean, matrix = numbers.get("mean"), numbers.get("matrix")
    if (mean is None) != (matrix is None) or (
        mean is not None and matrix is not None and (mean.ndim != 1 or matrix.shape != (len(mean), centres.shape[1]))
    ):
        raise BundleError("The novelty statistics have a mean and a matrix that do not fit.", remedy=REMEDY)
    threshold, reach = numbers["threshold"], numbers["reach"]
    finite = all(np.isfinite(values).all() for values in numbers.values())
    if threshold.shape != (1,) or reach.shape != (1,) or not finite or threshold[0] <= 0 or reach[0] < 0:
        raise BundleError("The novelty statistics hold values that are no distances.", remedy=REMEDY)
    return View(centres, float(threshold[0]), decoys, float(reach[0]), mean, matrix)


def nearest(centres: Float64Array, rows: Float64Array) -> Float64Array:
    """Return the Euclidean distance of each row (N, D) to the nearest centre (M, D), shape (N,); infinite if M is 0."""
    if not len(centres):
        return np.full(len(rows), np.inf)
    squares = (rows**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None] - 2 * rows @ centres.T
    return np.asarray(np.sqrt(np.maximum(0, squares.min(axis=1))))


def strangeness(to_centre: Float64Array, to_decoy: Float64Array, reach: float) -> Float64Array:
    """Return the distances (N,) to the nearest centre, times ``reach / to_decoy`` where a decoy is within reach."""
    return to_centre * np.maximum(1, reach / np.maximum(to_decoy, NEAREST))
