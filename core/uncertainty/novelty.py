"""The novelty gate: detects images outside the training data of a model.

The likeness test computes features of a thumbnail of the image. The score is the distance to the nearest centre, a
typical feature vector of the training data. For radiographs the features are the layout: brightness, normalised for
exposure and contrast, and oriented gradients (after Dalal and Triggs 2005). For histology tiles they are colours and
grain. Detectors on the student's features (Mahalanobis distances, energy, nearest neighbours) were compared with the
gate. They need more memory and detect less: features that a network has learnt to ignore are missing from them.
``python -m training novelty`` prints the table.

A rotated, inverted, cropped or blurred radiograph keeps much of its layout. So the gate also has decoys: centres of
disturbed images (outlier exposure, Hendrycks et al. 2019). Near a decoy, the score is larger than the distance alone.

The exposure test covers what the normalisation hides: the distribution of brightness, clipping, differences between
neighbouring pixels, and sharpness. It has its own centres and decoys (darkened, wrapped, banded, blurred images).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from core.errors import BundleError
from core.tasks import Task
from core.uncertainty.thumbnail import (
    COLOUR_SIZE,
    EXPOSURE_SIZE,
    LAYOUT_SIZE,
    exposure_features,
    likeness_features,
    thumbnail,
)

if TYPE_CHECKING:
    from core.images.preprocessing import Preprocessing

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
State = dict[str, npt.NDArray[np.generic]]

MIN_DISTANCE = 1e-6  # lower limit of the distance to a decoy
EXPOSURE = "exposure_"  # prefix of the exposure test's tensors
REMEDY = "Install the bundle again."


@dataclass(frozen=True)
class Novelty:
    """The result of the novelty gate for one image.

    Attributes:
        score: distance from the training images, as a multiple of the largest one that passes.
        threshold: an image with a larger score is not assessable.
        reason: why the image is not assessable, as a sentence for the reader; else an empty string.
    """

    score: float
    threshold: float
    reason: str = ""

    @property
    def is_novel(self) -> bool:
        """Whether the image is outside the training data, and so not assessable."""
        return self.score > self.threshold


@dataclass(frozen=True, eq=False)
class View:
    """One test of the gate: the centres and decoys of its features.

    Attributes:
        centres: shape (M, D): features of typical images, each the mean of several, so that no image can be
            recognised in them.
        threshold: the largest distance that passes.
        decoys: shape (N, D): features of typical disturbed images; N may be 0.
        reach: distance from the nearest decoy within which the score is larger than the distance to the centre.
        mean: shape (E,): subtracted from the features before whitening, or None.
        matrix: shape (E, D): the whitening matrix, or None.
    """

    centres: Float64Array
    threshold: float
    decoys: Float64Array
    reach: float
    mean: Float64Array | None = None
    matrix: Float64Array | None = None

    def distances(self, rows: Float64Array) -> tuple[Float64Array, Float64Array]:
        """Return the distances of features (N, E) to their nearest centres (N,) and decoys (N,)."""
        if self.mean is not None and self.matrix is not None:
            rows = (rows - self.mean) @ self.matrix
        return nearest(self.centres, rows), nearest(self.decoys, rows)

    def scores(self, rows: Float64Array) -> Float64Array:
        """Return the scores of features (N, E), shape (N,); only those up to 1 pass."""
        return novelty_scores(*self.distances(rows), self.reach) / self.threshold


@dataclass(frozen=True, eq=False)
class NoveltyGate:
    """Detects images outside the training data of a model.

    Attributes:
        likeness: the test of layout (grey images) or of colours and grain (coloured ones), which the number of features
            distinguishes.
        exposure: the test of brightness, contrast and sharpness; None in older bundles.
    """

    likeness: View
    exposure: View | None = None
    threshold: ClassVar[float] = 1.0  # an image with a larger score is not assessable

    @property
    def by_layout(self) -> bool:
        """Whether the likeness test uses the layout (grey images), else colours and grain (coloured ones)."""
        return bool(self.likeness.centres.shape[1] == LAYOUT_SIZE)

    def scores(self, thumbnails: npt.ArrayLike) -> Float64Array:
        """Return the scores of thumbnails (N, CHANNELS, S, S), shape (N,): the larger of both tests' scores."""
        found = self.likeness.scores(likeness_features(thumbnails, by_layout=self.by_layout))
        if self.exposure is None:
            return found
        return np.maximum(found, self.exposure.scores(exposure_features(thumbnails, colour=not self.by_layout)))

    def assess(self, batch: FloatArray, how: Preprocessing, task: Task) -> Novelty:
        """Assess one image.

        Args:
            batch: the network's input, shape (1, 3, H, W).
            how: the preprocessing that produced it.
            task: the model's task, named in the reason.
        """
        small = thumbnail(batch, how)
        score = float(self.scores(small)[0])
        return Novelty(score, self.threshold, self._reason(small, task) if score > self.threshold else "")

    def _reason(self, small: FloatArray, task: Task) -> str:
        kinds = task.image_kinds
        rows = likeness_features(small, by_layout=self.by_layout)
        if self.likeness.scores(rows)[0] <= self.threshold:
            return f"Brightness, contrast or sharpness differ from those of the {kinds} in the training data."
        if self.likeness.distances(rows)[1][0] < self.likeness.reach:
            return f"The layout resembles that of rotated, inverted, cropped or blurred {kinds}."
        what = "The layout differs from that" if self.by_layout else "Colours and texture differ from those"
        return f"{what} of the {kinds} in the training data."

    def state(self) -> State:
        """Return the gate as tensors, for ``novelty.safetensors``."""
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
    """Return the gate stored in the tensors of ``novelty.safetensors``.

    Raises:
        BundleError: if a tensor is missing, has a wrong shape or a value that is not finite.
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
            raise BundleError(f"The novelty statistics do not have {size} exposure features.", remedy=REMEDY)
    return gate


def _read_view(state: State) -> View:
    if state.keys() - {"mean", "matrix"} != {"centres", "threshold", "decoys", "reach"}:
        raise BundleError("The novelty statistics need centres, decoys, a threshold and a reach.", remedy=REMEDY)
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
        raise BundleError("The shapes of mean and matrix in the novelty statistics do not match.", remedy=REMEDY)
    threshold, reach = numbers["threshold"], numbers["reach"]
    finite = all(np.isfinite(values).all() for values in numbers.values())
    if threshold.shape != (1,) or reach.shape != (1,) or not finite or threshold[0] <= 0 or reach[0] < 0:
        raise BundleError(
            "The novelty statistics hold values out of range.",
            remedy=REMEDY,
        )
    return View(centres, float(threshold[0]), decoys, float(reach[0]), mean, matrix)


def nearest(centres: Float64Array, rows: Float64Array) -> Float64Array:
    """Return the Euclidean distance of each row (N, D) to the nearest centre (M, D), shape (N,); infinite if M is 0."""
    if not len(centres):
        return np.full(len(rows), np.inf)
    squares = (rows**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None] - 2 * rows @ centres.T
    return np.asarray(np.sqrt(np.maximum(0, squares.min(axis=1))))


def novelty_scores(to_centre: Float64Array, to_decoy: Float64Array, reach: float) -> Float64Array:
    """Return the distances (N,) to the nearest centre, times ``reach / to_decoy`` where a decoy is within reach."""
    return to_centre * np.maximum(1, reach / np.maximum(to_decoy, MIN_DISTANCE))
