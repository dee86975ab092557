"""Open a labelled image set as it lies on disk, whatever its layout, with a split that tears no group apart."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from core.errors import WriteError
from core.files import written_whole
from core.folders import cache_folder
from training.duplicates import near_duplicates
from training.fingerprints import fingerprint
from training.manifest import MANIFEST, read_manifest, read_table
from training.parallel import spread
from training.readers import read_class_folders, read_covid_qu_ex, read_lc25000
from training.samples import SPLITS, Dataset, DatasetError, Kind, Progress, Sample, in_batches, of_split
from training.splits import SHARES_IN_WORDS, joined, known_groups, split_by_group, split_off_val
from training.tile_groups import group_tiles

__all__ = [
    "Dataset",
    "DatasetError",
    "Sample",
    "in_batches",
    "of_split",
    "open_dataset",
    "read_manifest",
    "tile_groups_of",
]

GROUP_FILE = "groups.csv"
GROUPING = 1  # to be raised when a way of grouping changes, so that what is cached is made anew
LAYOUTS = (
    "Twinlens reads a manifest.csv (path,label[,split,group_id,…]), COVID-QU-Ex, LC25000, and folders "
    "train|val|test/CLASS or CLASS."
)


def open_dataset(folder: Path, *, seed: int = 0, progress: Progress = lambda _what, _done, _total: None) -> Dataset:
    """Open a data set; its layout is recognised by what is in the folder.

    A split that the data set brings is kept. One that is missing is made group-wise and stratified by class: groups are
    the manifest's ``group_id`` and ``patient_id``, LC25000's ``groups.csv`` (columns ``file,group``), else what
    looks alike: for LC25000 tiles of the same original, which takes minutes the first time and is then kept in the
    cache folder; for other sets near duplicates.

    Args:
        folder: where the data set lies.
        seed: the seed of a split that is made; the same seed gives the same split.
        progress: called while images are read to find groups.

    Raises:
        DatasetError: if there is no such folder, it holds no known layout, or its lists are faulty.
    """
    if not folder.is_dir():
        raise DatasetError("There is no such folder.", path=folder, remedy="Name the folder of a data set.")
    if (folder / MANIFEST).is_file():
        return _from_manifest(folder, seed, progress)
    if samples := read_covid_qu_ex(folder):
        return Dataset(folder, "COVID-QU-Ex", samples, "the data set's own Train, Val and Test")
    if samples := read_lc25000(folder):
        return _from_tiles(folder, samples, seed, progress)
    if samples := read_class_folders(folder):
        return _completed(folder, "class folders", samples, seed, progress)
    raise DatasetError("No data set is recognised here.", path=folder, remedy=LAYOUTS)


def _from_manifest(folder: Path, seed: int, progress: Progress) -> Dataset:
    samples = read_manifest(folder, split_optional=True)
    wrong = next((s for s in samples if s.split not in SPLITS), None)
    if wrong is not None and any(s.split for s in samples):
        raise DatasetError(
            f"The manifest gives {wrong.path.name} the split {wrong.split!r}.",
            path=folder / MANIFEST,
            remedy=f"It must be one of {', '.join(SPLITS)}, or empty for all images.",
        )
    if wrong is None:
        return Dataset(folder, "manifest", samples, "the manifest's own column")
    return _completed(folder, "manifest", samples, seed, progress)


def _from_tiles(folder: Path, samples: list[Sample], seed: int, progress: Progress) -> Dataset:
    listed = _listed_groups(folder, samples)
    if listed is not None:
        names, how = listed, f"groups from {GROUP_FILE}"
    else:
        groups = _tile_groups(folder, samples, progress)
        # a group is named by its first tile, which stays the same when others come
        first: dict[int, str] = {}
        names = [first.setdefault(group, sample.path.stem) for group, sample in zip(groups, samples, strict=True)]
        how = f"{len(first)} groups of tiles that fit one another under a turn, mirroring and zoom"
    samples = [replace(s, facts={**s.facts, "group_id": name}) for s, name in zip(samples, names, strict=True)]
    samples = split_by_group(samples, known_groups(samples) or [], seed=seed)
    return Dataset(folder, "LC25000", samples, f"made: {SHARES_IN_WORDS}, seed {seed}, {how}")


def tile_groups_of(dataset: Dataset, progress: Progress) -> list[int]:
    """Return one number per sample, equal for tiles of the same original; from the cache where found before."""
    return _tile_groups(dataset.folder, dataset.samples, progress)


def _tile_groups(folder: Path, samples: list[Sample], progress: Progress) -> list[int]:
    return _kept(
        folder, samples, "tiles", lambda: group_tiles([s.path for s in samples], [s.label for s in samples], progress)
    )


def _listed_groups(folder: Path, samples: list[Sample]) -> list[str] | None:
    """Return each tile's group as ``groups.csv`` gives it by relative path or by name, or None if there is no file."""
    path = folder / GROUP_FILE
    if not path.is_file():
        return None
    listed = {row["file"]: row["group"] for _line, row in read_table(path, ["file", "group"])}
    names = [listed.get(_within(folder, s.path)) or listed.get(s.path.name, "") for s in samples]
    if missing := names.count(""):
        first = samples[names.index("")].path.name
        raise DatasetError(
            f"The group file lacks {missing} of {len(samples)} tiles, e.g. {first}.",
            path=path,
            remedy="List every tile, or remove the file to have groups found.",
        )
    return names


def _completed(folder: Path, kind: Kind, samples: list[Sample], seed: int, progress: Progress) -> Dataset:
    """Return the data set with the splits that it lacks: all, or val."""
    have = Counter(s.split for s in samples)
    if have["train"] and have["val"] and have["test"]:
        return Dataset(folder, kind, samples, "the folders' own")
    if (have["val"] and not have["test"]) or (have["test"] and not have["train"]):
        raise DatasetError(
            f"There are images for {' and '.join(s for s in SPLITS if have[s])} only.",
            path=folder,
            remedy="Give train and test, all three, or none to have a split made.",
        )
    groups, how = known_groups(samples), "groups from group_id and patient_id"
    if groups is None:
        groups = _kept(folder, samples, "alike", lambda: _alike_groups(samples, progress))
        how = f"{len(set(groups))} groups by near duplicates, patients being unknown"
    if have["test"]:
        return Dataset(
            folder, kind, split_off_val(samples, groups, seed=seed), f"the folders' own; val from train, {how}"
        )
    samples = split_by_group(samples, groups, seed=seed)
    return Dataset(folder, kind, samples, f"made: {SHARES_IN_WORDS}, seed {seed}, {how}")


def _alike_groups(samples: list[Sample], progress: Progress) -> list[int]:
    prints = spread("Reading", fingerprint, [s.path for s in samples], progress)
    return joined(len(samples), near_duplicates(prints))


def _kept(folder: Path, samples: list[Sample], what: str, find: Callable[[], list[int]]) -> list[int]:
    """Return groups from the cache if they were found before for files of these names and sizes, else find them."""
    listing = "".join(f"{_within(folder, s.path)}\t{_size(s.path)}\n" for s in samples)
    digest = hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
    path = cache_folder() / "groups" / f"{what}{GROUPING}-{digest[:32]}.txt"
    try:
        groups = [int(line) for line in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        groups = []
    if len(groups) == len(samples):
        return groups
    groups = find()
    with suppress(OSError, WriteError):  # what can't be kept is found again
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as file:
            file.writelines(f"{group}\n" for group in groups)
    return groups


def _within(folder: Path, path: Path) -> str:
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
