"""Temperature and plausible classes of a model, fitted to images in a folder for each class.

The novelty gate needs the disturbed images of training: ``python -m training novelty BUNDLE --data DIR --refit`` fits
all three, and measures the model on a test split.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.compare.agreement import FEW_IMAGES
from core.errors import ImageError, UsageError
from core.images.preprocessing import preprocess
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

FEWEST_IMAGES = 20
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
    """Fit temperature and plausible classes of a model, and store them in its card.

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
    runtime = load_runtime(bundle)
    logits, labels, unreadable = [], [], 0
    for path, label in _pairs(labelled_images(folder, bundle)):
        try:
            image = read_image(path)
        except ImageError:
            unreadable += 1
            continue
        logits.append(runtime.forward(preprocess(image, card.preprocessing))[0])
        labels.append(card.classes.index(label))
    if len(labels) < FEWEST_IMAGES:
        raise UsageError(
            f"{len(labels)} images are too few to calibrate a model; it takes {FEWEST_IMAGES} at least.",
            remedy="Add images that the model was not trained with.",
        )
    scores, classes = np.array(logits), np.array(labels)
    temperature = round(fit_temperature(scores, classes), 4)
    before, after = softmax(scores), softmax(scores, temperature)
    coverage = target_coverage(after, classes)
    conformal = Conformal(
        coverage=round(coverage, 4), floor=conformal_floor(after, classes, coverage), images=len(labels)
    )
    said = f"Temperature and plausible classes were fitted to {len(labels)} images that its importer gave."
    if len(labels) < FEW_IMAGES:
        said += " They are few."
    limits = (*(limit.replace(NOT_CALIBRATED, "").strip() for limit in card.limits), said)
    fitted = card.model_copy(update={"temperature": temperature, "conformal": conformal, "limits": limits})
    lines = [
        f"{len(labels)} images, {100 * float((after.argmax(axis=1) == classes).mean()):.1f} % of them right",
        f"temperature {temperature:g}: expected calibration error {expected_calibration_error(before, classes):.3f} "
        f"before, {expected_calibration_error(after, classes):.3f} after, on the same images",
        f"plausible classes: probability of at least {conformal.floor:.3g}, for a coverage of {100 * coverage:.1f} %",
    ]
    if unreadable:
        lines.append(f"{unreadable} files are no images that can be read")
    return replace_fitted(bundle, fitted, None), tuple(lines)


def _pairs(found: dict[str, list[Path]]) -> Iterator[tuple[Path, str]]:
    for label, paths in found.items():
        for path in paths:
            yield path, label
