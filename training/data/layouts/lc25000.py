"""LC25000: histology tiles of lung and colon, twenty of each original."""

from __future__ import annotations

import re
from collections.abc import Sequence

from training.data.dataset import LeftOut, Sample, split_of
from training.data.layouts.layout import NO_CLASS, Found, Layout
from training.data.listing import Listing

TILE_NAME = re.compile(r"(lungaca|lungn|lungscc|colonca|colonn)\d+(\D.*)?", re.IGNORECASE)
CLASSES = ("colon_aca", "colon_n", "lung_aca", "lung_n", "lung_scc")
TILE_FOLDERS = {"lung_colon_image_set", "lung_image_sets", "colon_image_sets"}


def read(listing: Listing, _labels: Sequence[str]) -> Found | None:
    """Read LC25000, whole or one organ: ``lung_image_sets/lung_aca/lungaca1.jpeg`` and its siblings.

    It is recognised by the names of its folders, or of most of its tiles; then every image in a folder of a class is a
    tile, whatever its format or name, such as ``lungaca1 - Copy.png``. It publishes no split and no groups, so that
    both are empty here.

    Returns:
        What is found, or None for another layout.
    """
    folder, samples, left_out = listing.folder, [], [*listing.others]
    for image in listing.images:
        parts = image.relative_to(folder).parent.parts
        label = next((part for part in parts if part in CLASSES), "")
        if any(split_of(part) for part in parts):
            return None
        if label:
            samples.append(Sample(image, label, "", {"source": "LC25000"}))
        else:
            left_out.append(LeftOut(image, NO_CLASS))
    tiles = sum(TILE_NAME.fullmatch(sample.path.stem) is not None for sample in samples)
    named = any(part in TILE_FOLDERS for s in samples for part in s.path.relative_to(folder).parts)
    return Found(folder, samples, left_out) if samples and (named or 2 * tiles > len(samples)) else None


LC25000 = Layout("LC25000", "LC25000", read, cut_tiles=True)
