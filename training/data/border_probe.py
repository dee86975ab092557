"""How well a linear model predicts the class from the border of a thumbnail alone, without the anatomy."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import WriteError
from core.system.cache import BORDER_PROBES
from training.data.border_scores import BORDER, ProbeScores
from training.data.dataset import Dataset, Progress
from training.data.fingerprints import Fingerprint, fingerprint
from training.data.parallel import spread

STRENGTH = 0.01  # inverse of the L2 penalty
MOST = 8000  # training images that the linear model sees, drawn by a fixed seed
FEWEST = 20  # images of train and of test below which no score is given
CACHE_LAYOUT = 1  # to be raised when the probe changes, so that what is kept is measured anew


def border_mask(side: int, width: int = BORDER) -> npt.NDArray[np.bool_]:
    """Return the outer pixels of a square picture, shape (side, side)."""
    mask = np.ones((side, side), dtype=bool)
    mask[width:-width, width:-width] = False
    return mask


def probe(
    thumbnails: npt.NDArray[np.uint8],
    labels: Sequence[str],
    splits: Sequence[str],
    *,
    tried: str = "test",
    seed: int = 0,
) -> ProbeScores | None:
    """Fit multinomial logistic regressions on train and score them on test, or on another split.

    Args:
        thumbnails: shape (N, 32, 32), luminance.
        labels: the class of each.
        splits: the split of each.
        tried: the split that they are scored on.
        seed: draws the training images where there are more than ``MOST``.

    Returns:
        The scores, or None if a split has fewer than ``FEWEST`` images or train has a single class.
    """
    label, split = np.array(labels), np.array(splits)
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == tried)
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


def probe_dataset(
    dataset: Dataset, tried: str, progress: Progress = lambda _what, _done, _total: None
) -> ProbeScores | None:
    """Read a data set's images and return the scores of :func:`probe`; from the cache where it was measured before.

    Args:
        dataset: the data set; images that can't be read are left out.
        tried: the split to score on.
        progress: called with each image that is read.
    """
    samples = [sample for sample in dataset.samples if sample.split in ("train", tried)]
    splits = [sample.split for sample in samples]
    if tried == "train" or min(splits.count("train"), splits.count(tried)) < FEWEST:
        return None
    listing = "".join(
        f"{dataset.relative(s.path)}\t{s.label}\t{s.split}\t{s.path.stat().st_size if s.path.is_file() else -1}\n"
        for s in samples
    )
    key = hashlib.sha256(f"{CACHE_LAYOUT} {tried}\n{listing}".encode("utf-8", "surrogateescape")).hexdigest()
    entry = f"{key[:32]}.json"
    kept = _read(BORDER_PROBES.entry(entry))
    if kept is not None:
        return kept
    prints = spread("Reading image borders", fingerprint, [sample.path for sample in samples], progress)
    seen = [(s, found) for s, found in zip(samples, prints, strict=True) if isinstance(found, Fingerprint)]
    if not seen:
        return None
    thumbnails = np.stack([found.thumbnail for _sample, found in seen])
    scores = probe(thumbnails, [s.label for s, _found in seen], [s.split for s, _found in seen], tried=tried)
    if scores is not None:
        with suppress(WriteError), BORDER_PROBES.new(entry) as path:  # what can't be kept is measured again
            path.write_text(json.dumps(asdict(scores)), encoding="utf-8")
    return scores


def _read(path: Path) -> ProbeScores | None:
    try:
        return ProbeScores(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # not there yet, or damaged: it is measured anew


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
        # the last digits of the coefficients do not matter to the score
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(values[train], label[train])
    return float(model.score(values[test], label[test]))
