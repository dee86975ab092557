"""COVID-QU-Ex: radiographs in two parts, with masks of lungs and infection."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.dataset import LeftOut, Sample, split_of
from training.data.layouts.layout import MASK, NO_CLASS, Found, Layout
from training.data.listing import Listing

REPEATED = "the same image as in the lung part of COVID-QU-Ex"
MASK_FOLDERS = {"lung masks": "lung", "infection masks": "infection"}
PARTS = ("lung segmentation data", "infection segmentation data")


@dataclass(frozen=True)
class _Place:
    """Where a file of COVID-QU-Ex lies: ``TREE/SPLIT/CLASS/KIND/…/NAME``."""

    tree: Path
    split: str
    of_class: Path
    kind: str


def read(listing: Listing, _labels: Sequence[str]) -> Found | None:
    """Read COVID-QU-Ex: ``{Train,Val,Test}/CLASS/images`` beside folders of masks, one part or both, with masks or not.

    It is recognised by a folder of masks or by the names of its parts. Masks are never samples: ``lung masks/NAME``
    and ``infection masks/NAME`` are the masks of ``images/NAME``. The infection part repeats images of the lung part: a
    file of the same class, name and bytes is kept once, with the lung part's split, and gains its infection mask. The
    fact ``part`` says which part a sample is from, ``source`` is the data set.

    Returns:
        What is found, or None for another layout.
    """
    folder, images = listing.folder, listing.images
    places = {image: place for image in images if (place := _place(folder, image)) is not None}
    masks = {(p.of_class, MASK_FOLDERS[p.kind], image.name): image for image, p in places.items() if p.kind != "images"}
    samples_at = {image: place for image, place in places.items() if place.kind == "images"}
    if not samples_at or not (masks or any(_is_part(place.tree) for place in samples_at.values())):
        return None
    infected = {p.tree for p in places.values() if p.kind == "infection masks" or _is_part(p.tree) == PARTS[1]}
    found: dict[tuple[str, str], Sample] = {}
    left_out = [*listing.others, *(LeftOut(image, NO_CLASS) for image in images if image not in places)]
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
    return Found(folder, list(found.values()), left_out)


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


COVID_QU_EX = Layout("COVID-QU-Ex", "COVID-QU-Ex", read, splits="the data set's own Train, Val and Test")
