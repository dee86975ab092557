"""A data set that a ``manifest.csv`` lists."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from training.data.csv_table import REQUIRED, read_table
from training.data.dataset import SPLITS, DatasetError, LeftOut, Sample, split_of
from training.data.layouts.layout import Found, Layout
from training.data.listing import Listing, sort_out

NAME = "manifest.csv"
UNLISTED = "not in the manifest"


def read(listing: Listing, _labels: Sequence[str]) -> Found | None:
    """Read the data set of the manifest that lies in the folder, or in one that all its images lie in.

    Raises:
        DatasetError: if the manifest is faulty, or lies beside images that it could not list.
    """
    folder = listing.folder
    if (manifest := find_manifest(listing.files, folder)) is not None:
        return _listed(listing, manifest)
    images = listing.images
    inner = Path(os.path.commonpath([image.parent for image in images])) if images else folder
    for above in [inner, *inner.parents[: len(inner.relative_to(folder).parts)]][::-1]:
        if (manifest := find_manifest(listing.files, above)) is not None:
            return _listed(listing, manifest)
    if manifests := [file for file in listing.files if file.name.lower() == NAME]:
        raise DatasetError(
            f"A {NAME} lies in {manifests[0].parent.relative_to(folder)}, but not all images here lie beside it.",
            path=folder,
            remedy="Name the folder of the manifest, or move it away.",
        )
    return None


def _listed(listing: Listing, manifest: Path) -> Found:
    samples = read_manifest(manifest, split_optional=True)
    named = {os.path.normpath(sample.path) for sample in samples}
    unlisted, others = sort_out(f for f in listing.files if f != manifest and os.path.normpath(f) not in named)
    return Found(manifest.parent, samples, [*others, *(LeftOut(image, UNLISTED) for image in unlisted)])


def find_manifest(files: Iterable[Path], folder: Path) -> Path | None:
    """Return the manifest that lies right in a folder, by its name in any case, or None."""
    return next((file for file in files if file.parent == folder and file.name.lower() == NAME), None)


def read_manifest(path: Path, *, split_optional: bool = False) -> list[Sample]:
    """Read a manifest: a CSV file with the columns ``path,label,split`` and any others.

    Commas, semicolons, tabs or bars lie between its cells; its header and its splits are read in any case; paths are
    relative to its folder and may be written with either slash.

    Args:
        path: the manifest, or the folder that it lies in.
        split_optional: whether the column ``split`` may be missing or empty; its samples then have an empty split.

    Raises:
        DatasetError: if the file is missing, lacks a column, has no rows, or a row lacks its path or label or has an
            unknown split.
    """
    path = path / NAME if path.is_dir() else path
    if not path.is_file():
        remedy = f"It lists {', '.join(REQUIRED)}."
        raise DatasetError(f"There is no {path.name} here.", path=path.parent, remedy=remedy)
    required = [name for name in REQUIRED if not (split_optional and name == "split")]
    samples: list[Sample] = []
    for line, row in read_table(path, required):
        if not row["path"] or not row["label"]:
            raise DatasetError(f"Line {line} of the manifest lacks its path or label.", path=path)
        given = row.get("split", "")
        split = split_of(given)
        if given and not split:
            raise DatasetError(
                f"Line {line} of the manifest gives {row['path']} the split {given!r}.",
                path=path,
                remedy=f"It must be one of {', '.join(SPLITS)}, or empty for all images.",
            )
        facts = {key: value for key, value in row.items() if key not in REQUIRED}
        samples.append(Sample(_file(path.parent, row["path"]), row["label"], split, facts))
    if not samples:
        raise DatasetError("The manifest has no rows.", path=path)
    without = next((sample for sample in samples if not sample.split), None)
    if without is not None and (not split_optional or any(sample.split for sample in samples)):
        raise DatasetError(
            f"The manifest gives {without.path.name} the split ''.",
            path=path,
            remedy=f"It must be one of {', '.join(SPLITS)}, or empty for all images.",
        )
    return samples


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if "\\" in name and not path.exists():
        return folder / name.replace("\\", "/")
    return path


MANIFEST = Layout(
    "manifest",
    "a manifest.csv (path,label[,split,group_id,…])",
    read,
    splits="the manifest's own column",
    group_file=False,
)
