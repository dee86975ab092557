"""Folders of classes, with folders of splits above or below them or without any."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from core.tasks import TASKS
from training.data.dataset import LeftOut, Sample, split_of
from training.data.layouts.layout import MASK, NO_CLASS, NO_SPLIT, Found, Layout
from training.data.listing import Listing

IMAGE_FOLDERS = {"images", "image"}
MASK_NAME = re.compile(r"(.+)[ _-](?:mask|seg)", re.IGNORECASE)
DEPTH = 4  # folders of one folder each, as archives make them, that are passed through


def read(listing: Listing, labels: Sequence[str]) -> Found | None:
    """Read ``SPLIT/CLASS/…``, ``CLASS/SPLIT/…`` or ``CLASS/…``, whose split is empty.

    A split's folder is named train, val or test in one of their forms (:func:`training.data.dataset.split_of`). Folders
    whose name ends in ``mask`` or ``masks``, and files ``NAME_mask`` beside ``NAME``, hold no samples.

    Returns:
        What is found, or None if no image lies in a folder of a class.
    """
    images = listing.images
    folder = innermost(listing.folder, images, labels)
    paths = {image: image.relative_to(folder).parts for image in images}
    masks = {image for image, parts in paths.items() if _is_mask(image, parts, paths)}
    left_out = [*listing.others, *(LeftOut(image, MASK) for image in images if image in masks)]
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
    return Found(folder, samples, left_out) if samples else None


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


CLASS_FOLDERS = Layout("class folders", "folders train|val|test/CLASS or CLASS", read)
