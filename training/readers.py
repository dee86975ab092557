"""COVID-QU-Ex, LC25000 and class folders, read as they lie on disk, and recognised by what is in them."""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Iterator
from pathlib import Path

from core.images import find_images
from core.tasks import LUNG_COLON
from training.samples import Sample

SPLIT_NAMES = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
MASK_FOLDERS = {"lung masks": "lung", "infection masks": "infection"}
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm")
TILE_NAME = re.compile(r"(lungaca|lungn|lungscc|colonca|colonn)\d+\.jpe?g", re.IGNORECASE)
DEPTH = 3  # how far below the folder that was named a data set is looked for


def read_covid_qu_ex(folder: Path) -> list[Sample]:
    """Return the images of COVID-QU-Ex: ``{Train,Val,Test}/CLASS/images`` beside folders of masks, one tree or both.

    Masks are never samples: ``lung masks/NAME`` and ``infection masks/NAME`` are the masks of ``images/NAME``. The
    infection part repeats images of the lung part: a file of the same class, name and bytes is kept once, with the lung
    part's split, and gains its infection mask. The fact ``part`` says which part a sample is from, ``source`` is the
    data set. An empty list means that this is another layout.
    """
    found: dict[tuple[str, str], Sample] = {}
    # the lung part first: it is the data set, the infection part mostly repeats it
    for images in sorted(_covid_qu_ex_images(folder), key=lambda path: (path.parent / "infection masks").is_dir()):
        label, split = images.parent.name, SPLIT_NAMES[images.parent.parent.name.lower()]
        part = "infection" if (images.parent / "infection masks").is_dir() else "lung"
        for path in _images(images):
            masks = {
                name: mask
                for where, name in MASK_FOLDERS.items()
                if (mask := images.parent / where / path.name).is_file()
            }
            key = (label, path.name)
            if (first := found.get(key)) is not None:
                if filecmp.cmp(first.path, path, shallow=False):
                    found[key] = Sample(first.path, label, first.split, first.facts, {**masks, **first.masks})
                    continue
                key = (label, str(path))
            found[key] = Sample(path, label, split, {"source": "COVID-QU-Ex", "part": part}, masks)
    return list(found.values())


def _covid_qu_ex_images(folder: Path) -> Iterator[Path]:
    for path in _folders(folder, DEPTH + 3):
        if path.name == "images" and path.parent.parent.name.lower() in SPLIT_NAMES:
            beside = {child.name for child in path.parent.iterdir() if child.is_dir()}
            if beside & MASK_FOLDERS.keys():
                yield path


def read_lc25000(folder: Path) -> list[Sample]:
    """Return the tiles of LC25000, whole or one organ: ``lung_image_sets/lung_aca/lungaca1.jpeg`` and its siblings.

    It publishes no split and no groups, so that both are empty here. An empty list means that this is another layout.
    """
    samples = []
    for path in _folders(folder, DEPTH):
        if path.name in LUNG_COLON.class_ids and path.parent.name.lower() not in SPLIT_NAMES:
            files = [file for file in _images(path) if TILE_NAME.fullmatch(file.name)]
            samples += [Sample(file, path.name, "", {"source": "LC25000"}) for file in files]
    return sorted(samples, key=lambda sample: sample.path)


def read_class_folders(folder: Path) -> list[Sample]:
    """Return the images of ``{train,val,test}/CLASS/…`` or ``CLASS/…``, whose split is empty.

    Folders whose name ends in ``mask`` or ``masks`` hold no samples. An empty list means that this is another layout:
    fewer than two classes.
    """
    splits = {
        child: SPLIT_NAMES[child.name.lower()] for child in _children(folder) if child.name.lower() in SPLIT_NAMES
    }
    samples = []
    for top, split in (splits or {folder: ""}).items():
        for of_class in _children(top):
            images = [file for file in _images(of_class) if not _is_mask(file.relative_to(of_class))]
            samples += [Sample(file, of_class.name, split, {}) for file in images]
    return samples if len({sample.label for sample in samples}) > 1 else []


def _images(folder: Path) -> list[Path]:
    """Return the images at any depth, by content, and what is one by its name only, so that a check reports it."""
    named = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and not file.name.startswith("."))
    return sorted({*find_images([folder]), *named})


def _is_mask(path: Path) -> bool:
    return any(part.lower().endswith(("mask", "masks")) for part in path.parent.parts)


def _children(folder: Path) -> list[Path]:
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """Yield the folder and those below it, at most ``depth`` levels down, sorted; links are not followed."""
    for path, names, _files in os.walk(folder):
        here = Path(path)
        level = len(here.relative_to(folder).parts)
        names[:] = sorted(name for name in names if not name.startswith(".")) if level < depth else []
        yield here
