"""COVID-QU-Ex, LC25000 and class folders, read as they lie on disk, and recognised by what is in them."""

from __future__ import annotations

import filecmp
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.tasks import LUNG_COLON, TASKS
from training.data.dataset import LeftOut, Sample, split_of

# reasons for which an image is no sample
MASK = "a mask"
NO_CLASS = "in no folder of a class"
NO_SPLIT = "beside the folders of the splits"
REPEATED = "the same image as in the lung part of COVID-QU-Ex"

MASK_FOLDERS = {"lung masks": "lung", "infection masks": "infection"}
PARTS = ("lung segmentation data", "infection segmentation data")
TILE_NAME = re.compile(r"(lungaca|lungn|lungscc|colonca|colonn)\d+(\D.*)?", re.IGNORECASE)
TILE_FOLDERS = {"lung_colon_image_set", "lung_image_sets", "colon_image_sets"}
IMAGE_FOLDERS = {"images", "image"}
MASK_NAME = re.compile(r"(.+)[ _-](?:mask|seg)", re.IGNORECASE)
DEPTH = 4  # folders of one folder each, as archives make them, that are passed through


@dataclass(frozen=True)
class Found:
    """What a layout makes of a folder's images: samples, and what is none."""

    samples: list[Sample]
    left_out: list[LeftOut]


@dataclass(frozen=True)
class _Place:
    """Where a file of COVID-QU-Ex lies: ``TREE/SPLIT/CLASS/KIND/…/NAME``."""

    tree: Path
    split: str
    of_class: Path
    kind: str


def read_covid_qu_ex(folder: Path, images: Sequence[Path]) -> Found | None:
    """Read COVID-QU-Ex: ``{Train,Val,Test}/CLASS/images`` beside folders of masks, one part or both, with masks or not.

    It is recognised by a folder of masks or by the names of its parts. Masks are never samples: ``lung masks/NAME``
    and ``infection masks/NAME`` are the masks of ``images/NAME``. The infection part repeats images of the lung part: a
    file of the same class, name and bytes is kept once, with the lung part's split, and gains its infection mask. The
    fact ``part`` says which part a sample is from, ``source`` is the data set.

    Args:
        folder: where the images are looked for.
        images: all that lie there.

    Returns:
        What is found, or None for another layout.
    """
    places = {image: place for image in images if (place := _place(folder, image)) is not None}
    masks = {(p.of_class, MASK_FOLDERS[p.kind], image.name): image for image, p in places.items() if p.kind != "images"}
    samples_at = {image: place for image, place in places.items() if place.kind == "images"}
    if not samples_at or not (masks or any(_is_part(place.tree) for place in samples_at.values())):
        return None
    infected = {p.tree for p in places.values() if p.kind == "infection masks" or _is_part(p.tree) == PARTS[1]}
    found: dict[tuple[str, str], Sample] = {}
    left_out = [LeftOut(image, NO_CLASS) for image in images if image not in places]
    used: set[Path] = set()
    # the lung part first: it is the data set, the infection part mostly repeats it
    for image, place in sorted(samples_at.items(), key=lambda pair: (pair[1].tree in infected, pair[0])):
        label, part = place.of_class.name, "infection" if place.tree in infected else "lung"
        own = {what: mask for what in MASK_FOLDERS.values() if (mask := masks.get((place.of_class, what, image.name)))}
        key = (label, image.name)
        if (first := found.get(key)) is not None:
            if places[first.path].tree != place.tree and _same(first.path, image):
                own = {what: mask for what, mask in own.items() if what not in first.masks}
                found[key] = Sample(first.path, label, first.split, first.facts, {**own, **first.masks})
                used.update(own.values())
                left_out.append(LeftOut(image, REPEATED))
                continue
            key = (label, str(image))
        found[key] = Sample(image, label, place.split, {"source": "COVID-QU-Ex", "part": part}, own)
        used.update(own.values())
    left_out += [LeftOut(mask, MASK) for mask in masks.values() if mask not in used]
    return Found(list(found.values()), left_out)


def _place(folder: Path, image: Path) -> _Place | None:
    parts = image.relative_to(folder).parts
    for i in range(len(parts) - 2, 1, -1):
        kind = parts[i].lower()
        if (kind == "images" or kind in MASK_FOLDERS) and (split := split_of(parts[i - 2])):
            return _Place(folder.joinpath(*parts[: i - 2]), split, folder.joinpath(*parts[:i]), kind)
    return None


def _is_part(tree: Path) -> str:
    return next((name.lower() for name in tree.parts[::-1] if name.lower() in PARTS), "")


def _same(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def read_lc25000(folder: Path, images: Sequence[Path]) -> Found | None:
    """Read LC25000, whole or one organ: ``lung_image_sets/lung_aca/lungaca1.jpeg`` and its siblings.

    It is recognised by the names of its folders, or of most of its tiles; then every image in a folder of a class is a
    tile, whatever its format or name, such as ``lungaca1 - Copy.png``. It publishes no split and no groups, so that
    both are empty here.

    Args:
        folder: where the images are looked for.
        images: all that lie there.

    Returns:
        What is found, or None for another layout.
    """
    samples, left_out = [], []
    for image in images:
        parts = image.relative_to(folder).parent.parts
        label = next((part for part in parts if part in LUNG_COLON.class_ids), "")
        if any(split_of(part) for part in parts):
            return None
        if label:
            samples.append(Sample(image, label, "", {"source": "LC25000"}))
        else:
            left_out.append(LeftOut(image, NO_CLASS))
    tiles = sum(TILE_NAME.fullmatch(sample.path.stem) is not None for sample in samples)
    named = any(part in TILE_FOLDERS for s in samples for part in s.path.relative_to(folder).parts)
    return Found(samples, left_out) if samples and (named or 2 * tiles > len(samples)) else None


def read_class_folders(folder: Path, images: Sequence[Path]) -> Found | None:
    """Read ``SPLIT/CLASS/…``, ``CLASS/SPLIT/…`` or ``CLASS/…``, whose split is empty.

    A split's folder is named train, val or test in one of their forms (:func:`training.data.dataset.split_of`). Folders
    whose name ends in ``mask`` or ``masks``, and files ``NAME_mask`` beside ``NAME``, hold no samples.

    Args:
        folder: where the images are looked for.
        images: all that lie there.

    Returns:
        What is found, or None if no image lies in a folder of a class.
    """
    paths = {image: image.relative_to(folder).parts for image in images}
    masks = {image for image, parts in paths.items() if _is_mask(image, parts, paths)}
    left_out = [LeftOut(image, MASK) for image in images if image in masks]
    rest = {image: parts for image, parts in paths.items() if image not in masks}
    by_split = any(len(parts) > 2 and split_of(parts[0]) for parts in rest.values())
    by_class = not by_split and all(len(parts) > 2 and split_of(parts[1]) for parts in rest.values())
    samples = []
    for image, parts in rest.items():
        split = split_of(parts[0]) if by_split else split_of(parts[1]) if by_class else ""
        if by_split and not split:
            left_out.append(LeftOut(image, NO_SPLIT))
            continue
        within = parts[1:] if by_split else parts
        if by_split and len(within) > 2 and split_of(within[0]) == split:  # train/train/CLASS, as archives make it
            within = within[1:]
        if len(within) < 2:
            left_out.append(LeftOut(image, NO_CLASS))
        else:
            samples.append(Sample(image, within[0], split, {}))
    return Found(samples, left_out) if samples else None


def _is_mask(image: Path, parts: Sequence[str], beside: Collection[Path]) -> bool:
    if any(part.lower().endswith(("mask", "masks")) for part in parts[:-1]):
        return True
    named = MASK_NAME.fullmatch(image.stem)
    return named is not None and image.with_name(named[1] + image.suffix) in beside


def _is_inner(name: str) -> bool:
    """Return whether a folder, in lower case, is of a class's images or masks and no class."""
    return name in IMAGE_FOLDERS or name.endswith(("mask", "masks"))


def innermost(folder: Path, images: Sequence[Path], labels: Collection[str]) -> Path:
    """Return the folder that the classes or splits lie in: below folders that hold nothing but one other.

    Args:
        folder: the folder that was named.
        images: all that lie there.
        labels: names that are of classes, beside those of the tasks, so that a folder with a single class stays one.
    """
    classes = {label for task in TASKS.values() for label in task.class_ids} | set(labels)
    for _level in range(DEPTH):
        inside = {image.relative_to(folder).parts for image in images}
        names = {parts[0] for parts in inside}
        below = {parts[1].lower() for parts in inside if len(parts) > 2}
        name = min(names, default="")
        if (
            len(names) != 1
            or min(map(len, inside)) < 3  # an image lies here or right below: a single class
            or name in classes
            or split_of(name)
            or (min(map(len, inside)) == 3 and all(_is_inner(what) for what in below))
        ):
            break
        folder = folder / name
    return folder
