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

SIDE = 16  # pixels of a thumbnail's side
FLAT = 0.02  # contrast, as a standard deviation of brightness, below which a picture counts as blank
FLATNESS_WEIGHT = 2.0
COLOUR_WEIGHT, GRAIN_WEIGHT, EDGE_WEIGHT = 2.0, 2.0, 2.0
EDGE_SIDE = 112  # pixels of the side of the picture whose edges are looked at
ORIENTATIONS = 8  # of edges, over half a turn
CHANNELS = 4 + ORIENTATIONS
NEAREST = 1e-6  # a decoy is taken to be no nearer
LAYOUT_SIZE = SIDE**2 + 1 + ORIENTATIONS * (SIDE // 2) ** 2
COLOUR_SIZE = 2 * SIDE**2 + 2 * (SIDE // 2) ** 2


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
class NoveltyGate:
    """Refuses images that a model was not made for.

    Attributes:
        centres: shape (M, D): descriptions of typical images, each the mean of several, so that no image can be seen
            in them. D tells the kind: ``LAYOUT_SIZE`` or ``COLOUR_SIZE``.
        threshold: scores above it are refused.
        decoys: shape (N, D): descriptions of typical images that were turned, inverted, cut or blurred; N may be 0.
        reach: the distance from the nearest decoy within which an image's own distance counts for more.
    """

    centres: Float64Array
    threshold: float
    decoys: Float64Array
    reach: float

    @property
    def by_layout(self) -> bool:
        """Whether it looks at the layout (radiographs), else at colours and grain (histology)."""
        return bool(self.centres.shape[1] == LAYOUT_SIZE)

    def scores(self, thumbnails: npt.ArrayLike) -> Float64Array:
        """Return how strange thumbnails (N, CHANNELS, S, S) are, shape (N,): see :func:`strangeness`."""
        return strangeness(*self._distances(thumbnails), self.reach)

    def _distances(self, thumbnails: npt.ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Return how far thumbnails are from their nearest centres (N,) and decoys (N,)."""
        rows = described(thumbnails, by_layout=self.by_layout)
        return nearest(self.centres, rows), nearest(self.decoys, rows)

    def judge(self, batch: FloatArray, how: Preprocessing, task: str) -> Novelty:
        """Judge one image.

        Args:
            batch: the network's input, shape (1, 3, H, W).
            how: the transform that made it.
            task: the model's task, for the reason in words.
        """
        to_centre, to_decoy = self._distances(thumbnail(batch, how))
        score = float(strangeness(to_centre, to_decoy, self.reach)[0])
        if not score > self.threshold:
            return Novelty(score, self.threshold)
        kinds = TASKS[task].image_kinds if task in TASKS else "images"
        if to_decoy[0] < self.reach:
            told = f"In its layout this image is like {kinds} turned, inverted, cut or blurred."
            return Novelty(score, self.threshold, told)
        what = "In its layout" if self.by_layout else "In its colours and texture"
        return Novelty(score, self.threshold, f"{what} this image is unlike the {kinds} that the model was trained on.")

    def state(self) -> State:
        """Return the numbers as tensors, for ``novelty.safetensors``."""
        return {
            "centres": self.centres.astype(np.float16),
            "threshold": np.array([self.threshold], np.float32),
            "decoys": self.decoys.astype(np.float16),
            "reach": np.array([self.reach], np.float32),
        }


def read_gate(state: State) -> NoveltyGate:
    """Make the gate from the tensors of ``novelty.safetensors``.

    Raises:
        BundleError: if one is missing, has another shape or holds what is not finite.
    """
    remedy = "Install the bundle again."
    if state.keys() == {"centres", "threshold"}:  # bundles of cards up to format 3
        state = {**state, "decoys": state["centres"][:0], "reach": np.zeros(1, np.float32)}
    if state.keys() != {"centres", "threshold", "decoys", "reach"}:
        raise BundleError("The novelty statistics are not centres, decoys, a threshold and a reach.", remedy=remedy)
    centres, decoys = (np.asarray(state[name], dtype=np.float64) for name in ("centres", "decoys"))
    if centres.ndim != 2 or not len(centres) or centres.shape[1] not in {LAYOUT_SIZE, COLOUR_SIZE}:
        raise BundleError(f"The novelty statistics have centres of the shape {centres.shape}.", remedy=remedy)
    if decoys.ndim != 2 or decoys.shape[1] != centres.shape[1]:
        raise BundleError(f"The novelty statistics have decoys of the shape {decoys.shape}.", remedy=remedy)
    numbers = [np.asarray(state[name], dtype=np.float64) for name in ("threshold", "reach")]
    finite = all(np.isfinite(values).all() for values in (centres, decoys, *numbers))
    if any(value.shape != (1,) for value in numbers) or not finite or numbers[0][0] <= 0 or numbers[1][0] < 0:
        raise BundleError("The novelty statistics hold values that are no distances.", remedy=remedy)
    return NoveltyGate(centres, float(numbers[0][0]), decoys, float(numbers[1][0]))


def thumbnail(batch: FloatArray, how: Preprocessing) -> FloatArray:
    """Return network inputs (N, 3, H, W) as thumbnails (N, CHANNELS, S, S), float32 in [0, 1].

    The channels are red, green, blue, grain and ``ORIENTATIONS`` of edges. The normalisation is undone, so that the
    gate judges the picture as it is shown. Pixels are averaged by area; grain is the standard deviation of the
    brightness within each of the S² fields; an orientation's channel is the mean gradient in that direction.
    """
    pictures = batch * np.array(how.std, np.float32)[:, None, None] + np.array(how.mean, np.float32)[:, None, None]
    found = np.empty((len(batch), CHANNELS, SIDE, SIDE), np.float32)
    for i, picture in enumerate(pictures):
        bright = picture.mean(axis=0)
        small = _shrunk(picture.transpose(1, 2, 0))
        found[i, :3] = small.transpose(2, 0, 1)
        found[i, 3] = np.sqrt(np.maximum(0, _shrunk(bright * bright) - small.mean(axis=2) ** 2))
        found[i, 4:] = _edges(bright)
    return np.clip(found, 0, 1)


def described(thumbnails: npt.ArrayLike, *, by_layout: bool) -> Float64Array:
    """Return thumbnails (N, CHANNELS, S, S) as rows (N, D) whose distances tell how unlike they are.

    By layout: brightness, less its mean and over its contrast; how flat the picture is; and the square roots of edges
    at half the resolution, over their length. Else: brightness, red less green and blue less green at half the
    resolution, and grain.
    """
    small = np.asarray(thumbnails, dtype=np.float64)
    count = len(small)
    bright = small[:, :3].mean(axis=1).reshape(count, -1)
    if by_layout:
        off = bright - bright.mean(axis=1, keepdims=True)
        contrast = np.sqrt((off**2).mean(axis=1, keepdims=True) + FLAT**2)
        edges = np.sqrt(_halved(small[:, 4:]))
        edges /= np.maximum(1e-6, np.linalg.norm(edges, axis=1, keepdims=True))
        return np.concatenate([off / (contrast * SIDE), FLATNESS_WEIGHT * FLAT / contrast, EDGE_WEIGHT * edges], axis=1)
    red, green, blue = small[:, 0], small[:, 1], small[:, 2]
    colour = _halved(np.stack([red - green, blue - green], axis=1))
    return np.concatenate([bright, COLOUR_WEIGHT * colour, GRAIN_WEIGHT * small[:, 3].reshape(count, -1)], axis=1)


def nearest(centres: Float64Array, rows: Float64Array) -> Float64Array:
    """Return the Euclidean distance of each row (N, D) to the nearest centre (M, D), shape (N,); infinite if M is 0."""
    if not len(centres):
        return np.full(len(rows), np.inf)
    squares = (rows**2).sum(axis=1)[:, None] + (centres**2).sum(axis=1)[None] - 2 * rows @ centres.T
    return np.asarray(np.sqrt(np.maximum(0, squares.min(axis=1))))


def strangeness(to_centre: Float64Array, to_decoy: Float64Array, reach: float) -> Float64Array:
    """Return the distances (N,) to the nearest centre, times ``reach / to_decoy`` where a decoy is within reach."""
    return to_centre * np.maximum(1, reach / np.maximum(to_decoy, NEAREST))


def _halved(channels: Float64Array) -> Float64Array:
    """Return channels (N, K, S, S), averaged over fields of 2 × 2, as rows (N, K · (S / 2)²)."""
    count, kinds = channels.shape[:2]
    fields = channels.reshape(count, kinds, SIDE // 2, 2, SIDE // 2, 2)
    return np.asarray(fields.mean(axis=(3, 5)).reshape(count, -1))


def _edges(bright: FloatArray) -> FloatArray:
    """Return the mean strength of edges of each orientation in each field, shape (ORIENTATIONS, S, S)."""
    small = cv2.resize(bright, (EDGE_SIDE, EDGE_SIDE), interpolation=cv2.INTER_AREA)
    across, down = cv2.Sobel(small, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(small, cv2.CV_32F, 0, 1, scale=0.25)
    strength, angle = cv2.cartToPolar(across, down)
    orientation = (angle * (ORIENTATIONS / np.pi)).astype(int) % ORIENTATIONS
    return np.stack([_shrunk(strength * (orientation == k)) for k in range(ORIENTATIONS)])


def _shrunk(picture: FloatArray) -> FloatArray:
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.float32)
