"""Temperature, plausible classes and novelty gate of a model, fitted to images in a folder for each class.

``python -m training novelty BUNDLE --data DIR --refit`` fits the same, and measures the model on a test split.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.compare.agreement import FEW_IMAGES
from core.errors import ImageError, UsageError
from core.images.preprocessing import Preprocessing, preprocess
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.models.bundle_writing import replace_fitted
from core.models.card import Conformal
from core.runtimes.load import load_runtime
from core.uncertainty.calibration import (
    conformal_floor,
    expected_calibration_error,
    fit_temperature,
    softmax,
    target_coverage,
)
from core.uncertainty.gate_fit import decoy_thumbnails, fit_gate_to_few
from core.uncertainty.novelty import NoveltyGate
from core.uncertainty.thumbnail import thumbnail

FloatArray = npt.NDArray[np.float32]

FEWEST_IMAGES = 20
FEWEST_FOR_GATE = 60  # half of them set its threshold
NOT_CALIBRATED = "It is not calibrated."  # what an imported model's card says before


def labelled_images(folder: Path, bundle: Bundle) -> dict[str, list[Path]]:
    """Return the files below a folder by class: those in folders called as the model's labels, or their names.

    Raises:
        UsageError: if a class has none.
    """
    found: dict[str, list[Path]] = {}
    for label in bundle.card.described_task.classes:
        places = [folder / name for name in dict.fromkeys((label.id, label.name)) if (folder / name).is_dir()]
        found[label.id] = sorted(path for place in places for path in place.rglob("*") if path.is_file())
    if missing := [label for label, paths in found.items() if not paths]:
        raise UsageError(
            f"{folder} has no images of {', '.join(missing)}.",
            remedy="Put the images into a folder for each class, called as its label.",
        )
    return found


def calibrate(bundle: Bundle, folder: Path) -> tuple[Bundle, tuple[str, ...]]:
    """Fit temperature, plausible classes and novelty gate of a model, and store them in its bundle.

    The gate is fitted to every second image of each class; the others set its threshold.

    Args:
        bundle: the model, which is replaced.
        folder: images that it was not trained with, in a folder for each class.

    Returns:
        The bundle on disk, and what was found, in lines for a person.

    Raises:
        UsageError: if a class has no images, or fewer than ``FEWEST_IMAGES`` can be read.
        WriteError: if the bundle can't be written; what was there stays.
    """
    card = bundle.card
    seen = _see(bundle, labelled_images(folder, bundle))
    count = len(seen.classes)
    if count < FEWEST_IMAGES:
        raise UsageError(
            f"{count} images are too few to calibrate a model; it takes {FEWEST_IMAGES} at least.",
            remedy="Add images that the model was not trained with.",
        )
    temperature = round(fit_temperature(seen.logits, seen.classes), 4)
    before, after = softmax(seen.logits), softmax(seen.logits, temperature)
    coverage = target_coverage(after, seen.classes)
    conformal = Conformal(
        coverage=round(coverage, 4), floor=conformal_floor(after, seen.classes, coverage), images=count
    )
    gate = _gate(seen, card.preprocessing) if count >= FEWEST_FOR_GATE else None
    fitted_to = (
        "Temperature and plausible classes" if gate is None else "Temperature, plausible classes and novelty gate"
    )
    said = f"{fitted_to} were fitted to {count} images that its importer gave."
    if count < FEW_IMAGES:
        said += " They are few."
    limits = (*(limit.replace(NOT_CALIBRATED, "").strip() for limit in card.limits), said)
    fitted = card.model_copy(update={"temperature": temperature, "conformal": conformal, "limits": limits})
    errors = [expected_calibration_error(found, seen.classes) for found in (before, after)]
    lines = [
        f"{count} images, {100 * float((after.argmax(axis=1) == seen.classes).mean()):.1f} % of them right",
        f"temperature {temperature:g}: expected calibration error {errors[0]:.3f} before, {errors[1]:.3f} after, on "
        "the same images",
        f"plausible classes: probability of at least {conformal.floor:.3g}, for a coverage of {100 * coverage:.1f} %",
        f"novelty gate: fitted to {(count + 1) // 2} images, its threshold set by the other {count // 2}"
        if gate is not None
        else f"no novelty gate: that takes {FEWEST_FOR_GATE} images at least",
    ]
    if seen.unreadable:
        lines.append(f"{seen.unreadable} files are no images that can be read")
    return replace_fitted(bundle, fitted, gate), tuple(lines)


@dataclass(frozen=True, eq=False)
class _Seen:
    """What a model makes of N images: their files, logits (N, C), classes (N,) and thumbnails (N, CHANNELS, S, S)."""

    paths: list[Path]
    logits: FloatArray
    classes: npt.NDArray[np.intp]
    thumbnails: FloatArray
    unreadable: int


def _see(bundle: Bundle, found: dict[str, list[Path]]) -> _Seen:
    how, runtime = bundle.card.preprocessing, load_runtime(bundle)
    paths, logits, classes, thumbnails, unreadable = [], [], [], [], 0
    for label, files in found.items():
        for path in files:
            try:
                batch = preprocess(read_image(path), how)
            except ImageError:
                unreadable += 1
                continue
            paths.append(path)
            logits.append(runtime.forward(batch)[0])
            classes.append(bundle.card.classes.index(label))
            thumbnails.append(thumbnail(batch, how)[0])
    return _Seen(paths, np.array(logits), np.array(classes), np.array(thumbnails), unreadable)


def _gate(seen: _Seen, how: Preprocessing) -> NoveltyGate:
    """Fit a gate to every second image; files are sorted by class, so both halves have as many of each."""
    fitting, others = slice(0, None, 2), slice(1, None, 2)
    decoys = decoy_thumbnails(seen.paths[fitting], how)
    by_layout = how.channels == "grey"
    return fit_gate_to_few(seen.thumbnails[fitting], decoys, seen.thumbnails[others], by_layout=by_layout)
