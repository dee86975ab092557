"""Thumbnails of images and the features that the novelty gate computes from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.images.preprocessing import Preprocessing

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

SIDE = 16  # pixels of a thumbnail's side
FLAT = 0.02  # contrast, as a standard deviation of brightness, below which an image counts as blank
FLATNESS_WEIGHT = 2.0
COLOUR_WEIGHT, GRAIN_WEIGHT, EDGE_WEIGHT = 2.0, 2.0, 2.0
EDGE_SIDE = 112  # side in pixels of the image whose edges are computed
ORIENTATIONS = 8  # of edges, over 180°
CHANNELS = 9 + ORIENTATIONS
CLIPPED = 2.5 / 255  # brightness this near to either end counts as clipped
STEP = 0.25  # difference of neighbouring pixels that is rare in radiographs
EQUAL = 1 / 900  # difference below which neighbouring pixels count as equal
QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)  # of brightness
LITTLE, FINE = 0.01, 1e-4  # added before a logarithm is taken
LAYOUT_SIZE = SIDE**2 + 1 + ORIENTATIONS * (SIDE // 2) ** 2
COLOUR_SIZE = 2 * SIDE**2 + 2 * (SIDE // 2) ** 2
EXPOSURE_SIZE = len(QUANTILES) + 9  # and 4 more for colours


def thumbnail(batch: FloatArray, how: Preprocessing) -> FloatArray:
    """Return network inputs (N, 3, H, W) as thumbnails (N, CHANNELS, S, S), float32 in [0, 1].

    The channels are red, green, blue, grain, ``ORIENTATIONS`` of edges, then shares of pixels (black, white, very
    different from their neighbours, equal to them), and last the amount of fine detail. The normalisation is inverted,
    so that the gate gets the image as it is displayed. Pixels are averaged by area; grain is the standard deviation of
    the brightness within each of the S² fields; an orientation's channel is the mean gradient in that direction.
    """
    pictures = batch * np.array(how.std, np.float32)[:, None, None] + np.array(how.mean, np.float32)[:, None, None]
    found = np.empty((len(batch), CHANNELS, SIDE, SIDE), np.float32)
    for i, picture in enumerate(pictures):
        bright = picture.mean(axis=0)
        small = _shrunk(picture.transpose(1, 2, 0))
        found[i, :3] = small.transpose(2, 0, 1)
        found[i, 3] = np.sqrt(np.maximum(0, _shrunk(bright * bright) - small.mean(axis=2) ** 2))
        bright = cv2.resize(bright, (EDGE_SIDE, EDGE_SIDE), interpolation=cv2.INTER_AREA)
        found[i, 4 : 4 + ORIENTATIONS] = _edges(bright)
        found[i, 4 + ORIENTATIONS :] = _exposed(bright)
    return np.clip(found, 0, 1)


def likeness_features(thumbnails: npt.ArrayLike, *, by_layout: bool) -> Float64Array:
    """Return the features (N, D) of thumbnails (N, CHANNELS, S, S) for the gate's likeness test.

    By layout: brightness minus its mean, divided by its contrast; flatness (the inverse of the contrast); and the
    square roots of edges at half the resolution, divided by their norm. Else: brightness, red minus green and blue
    minus green at half the resolution, and grain.
    """
    small = np.asarray(thumbnails, dtype=np.float64)
    count = len(small)
    bright = small[:, :3].mean(axis=1).reshape(count, -1)
    if by_layout:
        off = bright - bright.mean(axis=1, keepdims=True)
        contrast = np.sqrt((off**2).mean(axis=1, keepdims=True) + FLAT**2)
        edges = np.sqrt(_halved(small[:, 4 : 4 + ORIENTATIONS]))
        edges /= np.maximum(1e-6, np.linalg.norm(edges, axis=1, keepdims=True))
        return np.concatenate([off / (contrast * SIDE), FLATNESS_WEIGHT * FLAT / contrast, EDGE_WEIGHT * edges], axis=1)
    red, green, blue = small[:, 0], small[:, 1], small[:, 2]
    colour = _halved(np.stack([red - green, blue - green], axis=1))
    return np.concatenate([bright, COLOUR_WEIGHT * colour, GRAIN_WEIGHT * small[:, 3].reshape(count, -1)], axis=1)


def exposure_features(thumbnails: npt.ArrayLike, *, colour: bool) -> Float64Array:
    """Return the features (N, EXPOSURE_SIZE) of thumbnails (N, CHANNELS, S, S) for the exposure test; 4 more in colour.

    They are quantiles of brightness; square roots of the shares of black, white, very different and equal pixels;
    logarithms of fine detail, of edges, of edges over contrast, of grain and of contrast; in colour also mean and
    standard deviation of red minus green and blue minus green.
    """
    small = np.asarray(thumbnails, dtype=np.float64)
    count = len(small)
    bright = small[:, :3].mean(axis=1).reshape(count, -1)
    shares = np.sqrt(small[:, -5:-1].mean(axis=(2, 3)))
    contrast = bright.std(axis=1)
    edges = small[:, 4 : 4 + ORIENTATIONS].sum(axis=1).mean(axis=(1, 2))
    logarithms = np.log(
        [
            small[:, -1].mean(axis=(1, 2)) + FINE,
            edges + FINE,
            edges / (contrast + LITTLE) + LITTLE,
            small[:, 3].mean(axis=(1, 2)) + FINE,
            contrast + LITTLE,
        ]
    )
    found = [np.quantile(bright, QUANTILES, axis=1).T, shares, logarithms.T]
    if colour:
        hues = np.stack([small[:, 0] - small[:, 1], small[:, 2] - small[:, 1]], axis=1).reshape(count, 2, -1)
        found += [hues.mean(axis=2), hues.std(axis=2)]
    return np.concatenate(found, axis=1)


def _halved(channels: Float64Array) -> Float64Array:
    """Return channels (N, K, S, S), averaged over fields of 2 × 2, as rows (N, K · (S / 2)²)."""
    count, kinds = channels.shape[:2]
    fields = channels.reshape(count, kinds, SIDE // 2, 2, SIDE // 2, 2)
    return np.asarray(fields.mean(axis=(3, 5)).reshape(count, -1))


def _edges(bright: FloatArray) -> FloatArray:
    """Return the mean strength of edges of each orientation in each field, shape (ORIENTATIONS, S, S)."""
    across, down = cv2.Sobel(bright, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(bright, cv2.CV_32F, 0, 1, scale=0.25)
    strength, angle = cv2.cartToPolar(across, down)
    orientation = (angle * (ORIENTATIONS / np.pi)).astype(int) % ORIENTATIONS
    return np.stack([_shrunk(strength * (orientation == k)) for k in range(ORIENTATIONS)])


def _exposed(bright: FloatArray) -> FloatArray:
    """Return shares of black, white, very different and equal pixels, and fine detail, of each field, (5, S, S)."""
    black, white = bright <= CLIPPED, bright >= 1 - CLIPPED
    step = np.hypot(np.diff(bright, axis=1, append=bright[:, -1:]), np.diff(bright, axis=0, append=bright[-1:]))
    equal = (step < EQUAL) & ~black & ~white
    fine = np.abs(cv2.Laplacian(bright, cv2.CV_32F))
    return np.stack([_shrunk(np.asarray(part, np.float32)) for part in (black, white, step > STEP, equal, fine)])


def _shrunk(picture: FloatArray) -> FloatArray:
    return np.asarray(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.float32)
