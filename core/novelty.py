"""Is this image like those that a model was made for?

Two Gaussians answer, and the stranger of the two counts. One is over the network's features, its last spatial maps
averaged over their pixels, with a mean for each class (Lee et al. 2018, arXiv 1807.03888): it notices what the network
has never seen. The other is over a thumbnail of the picture, since features that were learnt to tell lungs apart say
little of a picture that is turned, inverted or cut: it notices a wrong layout, brightness or colour. The training module
fits both, and ``python -m training novelty`` compares them with other detectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import BundleError
from core.tasks import TASKS

if TYPE_CHECKING:
    from core.preprocess import Preprocessing

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]
State = dict[str, npt.NDArray[np.generic]]

THUMBNAIL = 16
LIMIT = 1.0  # distances are given as multiples of each detector's own threshold


@dataclass(frozen=True)
class Novelty:
    """How unlike a model's training images one image is.

    Attributes:
        score: distance from the training images; larger is stranger.
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
class Gaussian:
    """Means with one covariance between them, known by its main axes and one variance for all other directions.

    Attributes:
        means: shape (M, D).
        axes: shape (D, d), orthonormal columns: the directions of largest variance.
        variances: shape (d + 1,), above 0: those of the axes, then that of every other direction.
        threshold: distances above it are strange.
    """

    means: Float64Array
    axes: Float64Array
    variances: Float64Array
    threshold: float

    def distances(self, rows: npt.ArrayLike) -> Float64Array:
        """Return the Mahalanobis distance of each row (N, D) to the nearest mean, per direction: shape (N,)."""
        rows = np.asarray(rows, dtype=np.float64)
        along, across = self.variances[:-1], self.variances[-1]
        found = []
        for mean in self.means:
            off = rows - mean
            parts = off @ self.axes
            rest = np.maximum(0.0, (off**2).sum(axis=1) - (parts**2).sum(axis=1))
            found.append((parts**2 / along).sum(axis=1) + rest / across)
        return np.asarray(np.sqrt(np.min(found, axis=0) / rows.shape[1]))

    def state(self, name: str) -> State:
        """Return the numbers as small tensors, their keys beginning with a name."""
        return {
            f"{name}.means": self.means.astype(np.float32),
            f"{name}.axes": self.axes.astype(np.float16),
            f"{name}.variances": self.variances.astype(np.float32),
            f"{name}.threshold": np.array([self.threshold], np.float32),
        }


@dataclass(frozen=True, eq=False)
class NoveltyGate:
    """Refuses what a model was not made for.

    Attributes:
        features: the Gaussian over the network's features.
        picture: the Gaussian over thumbnails.
    """

    features: Gaussian
    picture: Gaussian

    def scores(self, features: npt.ArrayLike, thumbnails: npt.ArrayLike) -> Float64Array:
        """Return the scores (N,) of features (N, K) and thumbnails (N, 3, S, S); above ``LIMIT`` is strange."""
        return np.asarray(np.maximum(*self._ratios(features, thumbnails)))

    def judge(self, features: FloatArray, picture: FloatArray, task: str) -> Novelty:
        """Judge one image.

        Args:
            features: shape (1, K), from :func:`pooled`.
            picture: shape (1, 3, S, S), from :func:`thumbnail`.
            task: the model's task, for the reason in words.
        """
        by_features, by_picture = (float(ratio[0]) for ratio in self._ratios(features, picture))
        score = max(by_features, by_picture)
        if not score > LIMIT:
            return Novelty(score, LIMIT)
        kinds = TASKS[task].image_kinds if task in TASKS else "images"
        if by_features >= by_picture:
            reason = f"This image is unlike the {kinds} that the model was trained on."
        else:
            reason = f"In layout, brightness or colour this image is unlike the {kinds} that the model was trained on."
        return Novelty(score, LIMIT, reason)

    def state(self) -> State:
        """Return the numbers as tensors, for ``novelty.safetensors``."""
        return {**self.features.state("features"), **self.picture.state("picture")}

    def _ratios(self, features: npt.ArrayLike, thumbnails: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
        return (
            self.features.distances(features) / self.features.threshold,
            self.picture.distances(described(thumbnails)) / self.picture.threshold,
        )


def read_gate(state: State) -> NoveltyGate:
    """Make the gate from the tensors of ``novelty.safetensors``.

    Raises:
        BundleError: if one is missing, does not fit the others or holds what is not finite.
    """
    return NoveltyGate(_gaussian(state, "features"), _gaussian(state, "picture"))


def _gaussian(state: State, name: str) -> Gaussian:
    try:
        means, axes, variances, threshold = (
            np.asarray(state[f"{name}.{part}"], dtype=np.float64)
            for part in ("means", "axes", "variances", "threshold")
        )
    except (KeyError, ValueError) as cause:
        raise BundleError(f"The novelty statistics lack {cause}.", remedy="Install the bundle again.") from cause
    fits = (
        means.ndim == axes.ndim == 2
        and len(means) > 0
        and axes.shape[0] == means.shape[1]
        and variances.shape == (axes.shape[1] + 1,)
        and threshold.shape == (1,)
    )
    if not fits or not all(np.isfinite(part).all() for part in (means, axes, variances, threshold)):
        raise BundleError("The novelty statistics do not fit together.", remedy="Install the bundle again.")
    if not (variances > 0).all() or not threshold[0] > 0:
        raise BundleError("The novelty statistics are not those of a Gaussian.", remedy="Install the bundle again.")
    return Gaussian(means, axes, variances, float(threshold[0]))


def pooled(maps: FloatArray) -> FloatArray:
    """Return the features (N, K) of feature maps (N, K, h, w): each map's mean over its pixels."""
    return np.asarray(maps.mean(axis=(2, 3)), dtype=np.float32)


def thumbnail(batch: FloatArray, how: Preprocessing) -> FloatArray:
    """Return network inputs (N, 3, H, W) as small pictures (N, 3, S, S), float32 in [0, 1], averaged by area.

    The normalisation is undone, so that the gate judges the picture, not the network's idea of it.
    """
    pictures = batch * np.array(how.std, np.float32)[:, None, None] + np.array(how.mean, np.float32)[:, None, None]
    small = [cv2.resize(p.transpose(1, 2, 0), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA) for p in pictures]
    return np.ascontiguousarray(np.clip(np.stack(small), 0, 1).transpose(0, 3, 1, 2), dtype=np.float32)


def described(thumbnails: npt.ArrayLike) -> Float64Array:
    """Return thumbnails (N, 3, S, S) as rows (N, 3·S²): brightness, red less green and blue less green."""
    red, green, blue = np.moveaxis(np.asarray(thumbnails, dtype=np.float64), 1, 0)
    parts = ((red + green + blue) / 3, red - green, blue - green)
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
