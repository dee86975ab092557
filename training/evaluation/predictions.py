"""The predictions of a network on a set of images, computed once: logits, pooled features and thumbnails of its inputs.

A pass over a thousand images takes VGG19 minutes on a CPU, and evaluation, calibration and novelty statistics need the
same; so they are stored in the cache folder, by weights, transform and images.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import ImageError, WriteError
from core.images.preprocessing import prepare
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.runtimes.base import Runtime
from core.system.cache import PREDICTIONS
from core.uncertainty.thumbnail import thumbnail
from training.data.loading import Sample
from training.data.unreadable import Unreadable, check_unreadable

FloatArray = npt.NDArray[np.float32]
CACHE_LAYOUT = 4


@dataclass(frozen=True, eq=False)
class Predictions:
    """A network's output on N images.

    Attributes:
        samples: the images that can be read, in the order of the rows.
        logits: shape (N, C), float32.
        features: shape (N, K), float32: the last spatial maps, averaged over their pixels.
        thumbnails: shape (N, CHANNELS, S, S), float32: the inputs made small, as the novelty gate gets them.
        unreadable: the images that were left out because they can't be read, with the reason.
    """

    samples: list[Sample]
    logits: FloatArray
    features: FloatArray
    thumbnails: FloatArray
    unreadable: tuple[Unreadable, ...] = ()

    def labels(self, classes: Sequence[str]) -> npt.NDArray[np.intp]:
        """Return the class index of each image, shape (N,)."""
        return np.array([classes.index(sample.label) for sample in self.samples], dtype=np.intp)


def predict(
    bundle: Bundle, engine: Runtime, samples: list[Sample], progress: Callable[[Path], None] = lambda _image: None
) -> Predictions:
    """Return a bundle's predictions on labelled images, from the cache where they have been computed before.

    Args:
        bundle: the model, for its transform and identity.
        engine: its network, loaded.
        samples: the images.
        progress: called with each image that is done.

    Raises:
        DatasetError: if more than one image in twenty can't be read; fewer are left out and counted.
    """
    key = _key(bundle, engine, samples)
    split = samples[0].split
    stored = _read(key, samples)
    if stored is not None:
        check_unreadable(stored.unreadable, len(samples), split)
        return stored
    readable: list[Sample] = []
    unreadable: list[Unreadable] = []
    logits, features, thumbnails = [], [], []
    for sample in samples:
        try:
            seen = prepare(read_image(sample.path), bundle.card.preprocessing)
        except ImageError as error:
            unreadable.append(Unreadable(sample.path, error.problem))
            check_unreadable(unreadable, len(samples), split)
            continue
        scores, maps = engine.forward_with_maps(seen.batch)
        readable.append(sample)
        logits.append(scores[0])
        features.append(maps[0].mean(axis=(1, 2)))
        thumbnails.append(thumbnail(seen.gate_batch, bundle.card.preprocessing)[0])
        progress(sample.path)
    found = Predictions(readable, np.array(logits), np.array(features), np.array(thumbnails), tuple(unreadable))
    with suppress(WriteError):  # what can't be stored is computed again
        _store(key, found)
    return found


def _key(bundle: Bundle, engine: Runtime, samples: list[Sample]) -> str:
    card = bundle.card
    facts = [repr((CACHE_LAYOUT, card.weights_sha256, card.preprocessing, engine.name, engine.device))]
    for sample in samples:
        state = sample.path.stat() if sample.path.is_file() else None
        facts.append(repr((str(sample.path.resolve()), state and (state.st_size, state.st_mtime_ns))))
    return f"{hashlib.sha256(os.linesep.join(facts).encode()).hexdigest()[:32]}.npz"


def _read(key: str, samples: list[Sample]) -> Predictions | None:
    if (entry := PREDICTIONS.find(key)) is None:
        return None
    try:
        with np.load(entry, allow_pickle=False) as stored:
            arrays = stored["logits"], stored["features"], stored["thumbnails"]
            bad = dict(zip(stored["unreadable"].tolist(), stored["reasons"].tolist(), strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # damaged: it is made anew
    readable = [sample for sample in samples if str(sample.path) not in bad]
    if any(len(array) != len(readable) for array in arrays):
        return None
    return Predictions(readable, *arrays, tuple(Unreadable(Path(path), reason) for path, reason in bad.items()))


def _store(key: str, found: Predictions) -> None:
    with PREDICTIONS.new(key) as path:
        np.savez(
            path,
            logits=found.logits,
            features=found.features,
            thumbnails=found.thumbnails,
            unreadable=np.array([str(path) for path, _reason in found.unreadable], dtype=np.str_),
            reasons=np.array([reason for _path, reason in found.unreadable], dtype=np.str_),
        )
