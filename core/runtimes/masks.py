"""Score-CAM's masks: feature maps enlarged to the input, scaled to [0, 1] and laid over it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

EPSILON = 1e-8  # as in pytorch-grad-cam

# from feature maps (n, h, w) to the logits (n, C) of one image masked by each of them
MaskScorer = Callable[[FloatArray], FloatArray]


class Masker:
    """Makes masked inputs x ⊙ H_k in buffers that all batches share.

    H_k is the map A_k enlarged bilinearly, corners on corners (torch's ``UpsamplingBilinear2d``, which pytorch-grad-cam
    uses), and scaled to [0, 1] by its own minimum and maximum. Enlarging is separable, so it is two matrix products.

    Args:
        image: the network's input, shape (1, 3, H, W), float32.
        map_size: rows and columns of the feature maps.
        batch_size: most masks that are made at once.
    """

    def __init__(self, image: FloatArray, map_size: tuple[int, int], batch_size: int) -> None:
        height, width = image.shape[-2:]
        self._image = image[0]
        self._rows = linear_weights(map_size[0], height)
        self._columns = linear_weights(map_size[1], width).T
        self._masks = np.empty((batch_size, height, width), np.float32)
        self._inputs = np.empty((batch_size, *image.shape[1:]), np.float32)

    def masked(self, maps: FloatArray) -> FloatArray:
        """Return masked inputs (n, 3, H, W) for maps (n, h, w), n at most the batch size; valid until the next call."""
        masks = np.matmul(self._rows, maps @ self._columns, out=self._masks[: len(maps)])
        low = masks.min(axis=(1, 2), keepdims=True)
        span = masks.max(axis=(1, 2), keepdims=True) - low
        masks -= low
        masks /= span + np.float32(EPSILON)
        return np.asarray(np.multiply(self._image, masks[:, None], out=self._inputs[: len(maps)]))


def mask_scorer(
    forward: Callable[[FloatArray], FloatArray], image: FloatArray, map_size: tuple[int, int], batch_size: int
) -> MaskScorer:
    """Return a function that scores an image masked by feature maps, through a network's forward.

    Args:
        forward: from normalised images (n, 3, H, W) to logits (n, C).
        image: the network's input, shape (1, 3, H, W), float32.
        map_size: rows and columns of the feature maps.
        batch_size: most maps that are scored at once.
    """
    masker = Masker(image, map_size, batch_size)
    return lambda maps: forward(masker.masked(maps))


def linear_weights(size: int, new_size: int) -> FloatArray:
    """Return the matrix (new_size, size) of linear interpolation with corners on corners."""
    if size == 1:
        return np.ones((new_size, 1), np.float32)
    place = np.linspace(0, size - 1, new_size)
    left = np.minimum(place.astype(int), size - 2)
    weights = np.zeros((new_size, size), np.float32)
    weights[np.arange(new_size), left] = 1 - (place - left)
    weights[np.arange(new_size), left + 1] = place - left
    return weights
