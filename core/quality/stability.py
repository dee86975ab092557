"""Whether a map stays as it is while the image changes by what nobody would see: noise, and a shift by few pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Shift = tuple[int, int]  # rows down and columns to the right

NOISE = 0.1  # largest noise, in units of the normalised input: about 6 of 255 grey levels
NOISY_COPIES = 4
SHIFTS: tuple[Shift, ...] = ((4, 0), (-4, 0), (0, 4), (0, -4))


def noisy_copies(image: FloatArray, seed: int = 0) -> Iterator[FloatArray]:
    """Yield ``NOISY_COPIES`` copies of a normalised input with uniform noise in [-NOISE, NOISE] on every value."""
    random = np.random.default_rng(seed)
    for _ in range(NOISY_COPIES):
        yield image + random.uniform(-NOISE, NOISE, image.shape).astype(np.float32)


def shifted(image: FloatArray, shift: Shift) -> FloatArray:
    """Return a normalised input (1, 3, H, W) shifted by some pixels; what comes in repeats the pixels at the edge."""
    down, right = shift
    height, width = image.shape[-2:]
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - right, 0, width - 1)
    return np.ascontiguousarray(image[..., rows[:, None], columns])


def relative_change(values: FloatArray, changed: FloatArray) -> float | None:
    """Return ‖changed - values‖ / ‖values‖ of two maps of one shape, in Frobenius norm; None if the map is zero."""
    size = float(np.linalg.norm(values.astype(np.float64)))
    return None if size == 0 else float(np.linalg.norm(changed.astype(np.float64) - values)) / size


def max_sensitivity(values: FloatArray, changed: Iterable[FloatArray]) -> float | None:
    """Return the largest relative change of a map under noise; lower is better.

    Max-sensitivity of Yeh et al. 2019 ("On the (in)fidelity and sensitivity of explanations", definition 3) over the
    copies drawn, relative to the norm of the map, as in Quantus.

    Args:
        values: the map of the image, shape (H, W).
        changed: the maps of its noisy copies for the same class.
    """
    return _largest(relative_change(values, one) for one in changed)


def shift_sensitivity(values: FloatArray, changed: Iterable[tuple[Shift, FloatArray]]) -> float | None:
    """Return the largest relative change of a map that should have moved with the image; lower is better.

    Args:
        values: the map of the image, shape (H, W).
        changed: each shift of the image, and the map of the shifted image for the same class; it is compared where
            both show the same part of the image.
    """

    def pair(shift: Shift, moved: FloatArray) -> float | None:
        (down, right), (height, width) = shift, values.shape
        before = values[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
        after = moved[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
        return relative_change(before, after)

    return _largest(pair(shift, moved) for shift, moved in changed)


def _largest(changes: Iterable[float | None]) -> float | None:
    known = [change for change in changes if change is not None]
    return max(known, default=None)
