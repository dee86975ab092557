"""How well is the class told without looking at the anatomy? A linear model on the border of a thumbnail tries."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BORDER = 3  # pixels of 32 on each side: a tenth of the picture, outside the lungs of a usual radiograph
STRENGTH = 0.01  # inverse of the L2 penalty
MOST = 8000  # training images that the linear model sees, drawn by a fixed seed
FEWEST = 20  # images of train and of test below which nothing can be said


@dataclass(frozen=True)
class ProbeScores:
    """Accuracies on the test split, in [0, 1].

    Attributes:
        border: of a linear model that sees only the outer ``BORDER`` pixels of the 32×32 thumbnail.
        whole: of one that sees the whole thumbnail.
        chance: of always answering the class that is most frequent in train.
        train_images: how many images the linear models learnt from.
        test_images: how many they were tried on.
    """

    border: float
    whole: float
    chance: float
    train_images: int
    test_images: int

    @property
    def margin(self) -> float:
        """How far an accuracy may be from chance by chance: two standard errors."""
        return float(2 * np.sqrt(self.chance * (1 - self.chance) / self.test_images))


def border_mask(side: int, width: int = BORDER) -> npt.NDArray[np.bool_]:
    """Return the outer pixels of a square picture, shape (side, side)."""
    mask = np.ones((side, side), dtype=bool)
    mask[width:-width, width:-width] = False
    return mask


def probe(
    thumbnails: npt.NDArray[np.uint8], labels: Sequence[str], splits: Sequence[str], *, seed: int = 0
) -> ProbeScores | None:
    """Fit multinomial logistic regressions on train and score them on test.

    Args:
        thumbnails: shape (N, 32, 32), luminance.
        labels: the class of each.
        splits: the split of each.
        seed: draws the training images where there are more than ``MOST``.

    Returns:
        The scores, or None if a split has fewer than ``FEWEST`` images or train has a single class.
    """
    label, split = np.array(labels), np.array(splits)
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    if min(len(train), len(test)) < FEWEST or len(set(label[train])) < 2:
        return None
    train = np.random.default_rng(seed).permutation(train)[:MOST]
    names, counts = np.unique(label[train], return_counts=True)
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float64)
    border = border_mask(thumbnails.shape[1]).ravel()
    return ProbeScores(
        border=linear_accuracy(flat[:, border], label, train, test),
        whole=linear_accuracy(flat, label, train, test),
        chance=float((label[test] == names[counts.argmax()]).mean()),
        train_images=len(train),
        test_images=len(test),
    )


def linear_accuracy(
    values: npt.NDArray[np.float64],
    label: npt.NDArray[np.str_],
    train: npt.NDArray[np.int64],
    test: npt.NDArray[np.int64],
) -> float:
    """Fit a multinomial logistic regression on the rows ``train`` and return its accuracy on the rows ``test``.

    Args:
        values: shape (N, D).
        label: the class of each row.
        train: indices of rows.
        test: indices of rows.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=300))
    with warnings.catch_warnings():
        # the last digits of the coefficients do not matter to what the probe says
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values[train], label[train])
    return float(model.score(values[test], label[test]))
