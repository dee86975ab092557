"""Which images of a data set belong together, so that a split which parts them would leak: patients, tiles, copies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from core.errors import WriteError
from core.system.cache import IMAGE_GROUPS
from training.data.csv_table import read_table
from training.data.dataset import DatasetError, Progress, Sample
from training.data.duplicates import near_duplicates
from training.data.fingerprints import are_coloured, fingerprint
from training.data.parallel import spread
from training.data.splits import joined, known_groups
from training.data.tile_groups import group_tiles

GROUP_FILE = "groups.csv"
GROUPING = 2  # to be raised when a way of grouping changes, so that what is cached is made anew


def groups_of(folder: Path, samples: Sequence[Sample], progress: Progress) -> tuple[list[int], str]:
    """Return one number per sample, equal for those that a split must keep together, and how they were found in words.

    Samples are joined by a shared ``group_id`` or ``patient_id`` where it is known, and by pictures that are nearly the
    same; coloured ones also by what shows that they are parts of the same original, as histology tiles may be. One
    without a known patient stands alone unless its picture joins it to others.

    Args:
        folder: the data set's, for names in the cache.
        samples: what is grouped.
        progress: called while images are read.
    """
    alike = _cached(folder, samples, "alike", lambda: _alike(folder, samples, progress))
    known = known_groups(samples)
    pictures = f"{len(set(alike)):,} groups by near duplicates"
    if known is None:
        return alike, f"{pictures}, patients being unknown"
    pairs = [(first, i) for groups in (known, alike) for first, i in _chained(groups)]
    groups = joined(len(samples), np.array(pairs, dtype=np.int64))
    return groups, f"{len(set(groups)):,} groups by group_id, patient_id and near duplicates"


def tile_groups(folder: Path, samples: Sequence[Sample], progress: Progress) -> list[int]:
    """Return one number per sample, equal for tiles of the same original; from the cache where found before."""
    paths, labels = [s.path for s in samples], [s.label for s in samples]
    return _cached(folder, samples, "tiles", lambda: group_tiles(paths, labels, progress))


def find_group_file(files: Iterable[Path]) -> Path | None:
    """Return the outermost file that lists groups, or None."""
    return min((file for file in files if file.name == GROUP_FILE), key=lambda file: len(file.parts), default=None)


def listed_groups(path: Path, samples: Sequence[Sample]) -> list[str]:
    """Return each image's group as a file with the columns ``file,group`` gives it, by relative path or by name.

    Raises:
        DatasetError: if the file is faulty or lacks an image.
    """
    listed = {row["file"]: row["group"] for _line, row in read_table(path, ["file", "group"])}
    names = [listed.get(_within(path.parent, s.path)) or listed.get(s.path.name, "") for s in samples]
    if missing := names.count(""):
        first = samples[names.index("")].path.name
        raise DatasetError(
            f"The group file lacks {missing} of {len(samples)} images, e.g. {first}.",
            path=path,
            remedy="List every image, or remove the file to have groups found.",
        )
    return names


def _alike(folder: Path, samples: Sequence[Sample], progress: Progress) -> list[int]:
    prints = spread("Reading", fingerprint, [s.path for s in samples], progress)
    pairs = near_duplicates(prints)
    if are_coloured(prints):
        tiles = np.array(_chained(tile_groups(folder, samples, progress)), dtype=np.int64)
        pairs = np.concatenate([pairs, tiles.reshape(-1, 2)])
    return joined(len(samples), pairs)


def _chained(groups: Sequence[int]) -> list[tuple[int, int]]:
    """Return pairs of indices, each sample with the first of its group."""
    first: dict[int, int] = {}
    return [(first.setdefault(group, i), i) for i, group in enumerate(groups)]


def _cached(folder: Path, samples: Sequence[Sample], what: str, find: Callable[[], list[int]]) -> list[int]:
    """Return groups, from the cache if they were found before for files of these names, sizes and labels.

    A cache that can't be written costs time and nothing else.
    """
    listing = "".join(f"{_within(folder, s.path)}\t{_size(s.path)}\t{s.label}\n" for s in samples)
    digest = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
    key = f"{what}{GROUPING}-{digest[:32]}.txt"
    try:
        groups = [int(line) for line in IMAGE_GROUPS.entry(key).read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        groups = []
    if len(groups) == len(samples):
        return groups
    groups = find()
    with suppress(WriteError), IMAGE_GROUPS.new(key) as path:
        path.write_text("".join(f"{group}\n" for group in groups), encoding="ascii")
    return groups


def _within(folder: Path, path: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
