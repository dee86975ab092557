"""ROAD: pixels are removed by noisy linear imputation, so that the network does not see the shape of what was removed.

Rong, Leemann, Borisov, Kasneci, Kasneci, "A consistent and efficient evaluation strategy for attribution methods",
ICML 2022. The definition is that of the authors' code, which pytorch-grad-cam and Quantus took over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from core.quality.perturbation import ranks

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SHARES = tuple(round(0.1 * tenth, 1) for tenth in range(1, 10))  # of the pixels that are removed
NOISE = 0.01  # standard deviation, in units of the normalised input
_NEIGHBOURS = {
    (row, column): 1 / 12 if row and column else 1 / 6 for row in (-1, 0, 1) for column in (-1, 0, 1) if row or column
}


def road_inputs(
    image: FloatArray, values: FloatArray, *, most_relevant: bool, seed: int = 0, noise: float = NOISE
) -> Iterator[FloatArray]:
    """Yield the image without a growing share of its pixels, those that the map holds highest or lowest first.

    Args:
        image: the normalised input, shape (1, 3, H, W).
        values: the map at the input's size, shape (H, W).
        most_relevant: whether the highest go first (MoRF) or the lowest (LeRF).
        seed: of the noise.
        noise: its standard deviation.

    Yields:
        An input of shape (1, 3, H, W) for each of ``SHARES``.
    """
    rank, random = ranks(values if most_relevant else -values), np.random.default_rng(seed)
    for share in SHARES:
        yield impute(image[0], rank < round(share * rank.size), random, noise)[None]


def impute(image: FloatArray, missing: Mask, random: np.random.Generator, noise: float = NOISE) -> FloatArray:
    """Return an image whose missing pixels are the weighted mean of their eight neighbours, with noise.

    The four nearest weigh 1/6 each, the four diagonal ones 1/12. Missing neighbours are unknowns of the same system of
    linear equations; at the border the weights of the neighbours that exist are scaled up.

    Args:
        image: shape (3, H, W).
        missing: the pixels to impute, shape (H, W); not all.
        random: where the noise comes from.
        noise: standard deviation of the Gaussian noise on the imputed pixels.

    Returns:
        Shape (3, H, W), float32.
    """
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    height, width = missing.shape
    rows, columns = np.nonzero(missing)
    count = len(rows)
    number = np.full(missing.shape, -1)  # of each unknown
    number[rows, columns] = np.arange(count)
    known = np.zeros((count, len(image)))  # the known neighbours' weighted sum
    weights = np.zeros(count)
    entries = []
    for (down, right), weight in _NEIGHBOURS.items():
        r, c = rows + down, columns + right
        inside = np.flatnonzero((r >= 0) & (c >= 0) & (r < height) & (c < width))
        r, c = r[inside], c[inside]
        weights[inside] += weight
        unknown = number[r, c] >= 0
        entries.append((np.full(unknown.sum(), -weight), inside[unknown], number[r, c][unknown]))
        known[inside[~unknown]] += weight * image[:, r[~unknown], c[~unknown]].T
    entries.append((weights, np.arange(count), np.arange(count)))
    values, i, j = (np.concatenate(part) for part in zip(*entries, strict=True))
    system = csc_array((values, (i, j)), shape=(count, count))  # symmetric and positive definite
    solved = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(known)
    filled = image.copy()
    filled[:, rows, columns] = (solved + noise * random.standard_normal(solved.shape)).T
    return filled


def road(most_relevant: Sequence[float], least_relevant: Sequence[float]) -> float:
    """Return half the difference of the mean probabilities, least minus most relevant removed first, in [-1/2, 1/2].

    Higher is better; a map at random scores 0. This is ``ROADCombined`` of pytorch-grad-cam, on probabilities.

    Args:
        most_relevant: probabilities of the class after the most relevant pixels were removed, one for each share.
        least_relevant: the same for the least relevant ones.
    """
    return float(np.mean(least_relevant) - np.mean(most_relevant)) / 2
