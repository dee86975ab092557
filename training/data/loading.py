"""Open a labelled image set as it lies on disk, whatever its layout, with a split in which no group leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from training.data.dataset import Dataset, DatasetError, LeftOut, Progress, Sample, in_batches, of_split
from training.data.groups import GROUP_FILE, find_group_file, groups_of, listed_groups, tile_groups
from training.data.label_map import mapped
from training.data.layouts.layout import Found, Layout
from training.data.layouts.table import LAYOUTS
from training.data.listing import Listing, list_files
from training.data.splits import SHARES_IN_WORDS, known_groups, split_by_group, split_off_val

__all__ = [
    "Dataset",
    "DatasetError",
    "Sample",
    "in_batches",
    "of_split",
    "open_dataset",
    "read_samples",
    "tile_groups_of",
]


def open_dataset(
    folder: Path,
    *,
    seed: int = 0,
    progress: Progress = lambda _what, _done, _total: None,
    label_map: Mapping[str, str] | None = None,
) -> Dataset:
    """Open a data set; its layout is recognised by what is in the folder.

    A split that the data set brings is kept. One that is missing is made group-wise: groups are the manifest's
    ``group_id`` and ``patient_id``, a ``groups.csv`` (columns ``file,group``), and what looks alike: near
    duplicates, and histology tiles of the same original, which takes minutes the first time and is then kept in the
    cache folder. Where val is missing beside train and test it is made from train.

    Folders that hold nothing but one folder, as archives make them, are passed through. Every file that is no sample is
    listed with the reason.

    Args:
        folder: where the data set lies.
        seed: the seed of a split that is made; the same seed gives the same split.
        progress: called while images are read to find groups.
        label_map: labels as the data set writes them, and as they are to be called; an empty one leaves its images out.

    Raises:
        DatasetError: if there is no such folder, it holds no known layout, or its lists are faulty.
    """
    listing, layout, found = _recognised(folder, label_map or {})
    samples, unwanted = _mapped(folder, found, label_map or {})
    group_file = find_group_file(listing.files) if layout.group_file else None
    if group_file is not None:
        samples = _in_groups(samples, listed_groups(group_file, samples))
    samples, split_made = _with_splits(found.folder, layout, samples, seed, progress)
    none = [out for out in (*listing.left_out, *found.left_out, *unwanted) if out.path != group_file]
    return Dataset(
        found.folder,
        layout.name,
        samples,
        split_made,
        tuple(sorted(none, key=lambda out: out.path)),
        dict(sorted(Counter(sample.label for sample in found.samples).items())),
        dict(label_map or {}),
    )


def read_samples(folder: Path, label_map: Mapping[str, str]) -> list[Sample]:
    """Return the samples of a data set with their labels alone: no split is made, and no image opened.

    Arguments and errors are those of :func:`open_dataset`.
    """
    _listing, _layout, found = _recognised(folder, label_map)
    return _mapped(folder, found, label_map)[0]


def _recognised(folder: Path, label_map: Mapping[str, str]) -> tuple[Listing, Layout, Found]:
    if not folder.is_dir():
        raise DatasetError("There is no such folder.", path=folder, remedy="Name the folder of a data set.")
    listing = list_files(folder)
    return listing, *_read(listing, tuple(label_map))


def _mapped(folder: Path, found: Found, label_map: Mapping[str, str]) -> tuple[list[Sample], list[LeftOut]]:
    samples, unwanted = mapped(found.samples, label_map)
    if not samples:
        raise DatasetError("The label map leaves every image out.", path=folder, remedy="Keep one label at least.")
    return samples, unwanted


def tile_groups_of(dataset: Dataset, progress: Progress) -> list[int]:
    """Return one number per sample, equal for tiles of the same original; from the cache where found before."""
    return tile_groups(dataset.folder, dataset.samples, progress)


def _read(listing: Listing, labels: Sequence[str]) -> tuple[Layout, Found]:
    """Return the first layout that recognises a folder, and what it makes of it.

    Raises:
        DatasetError: if none does.
    """
    for layout in LAYOUTS:
        if (found := layout.read(listing, labels)) is not None:
            return layout, found
    reasons = Counter[str]()
    for out in (*listing.left_out, *listing.others):
        reasons[out.reason] += out.files
    if listing.images:
        reasons["in no folder of a class"] = len(listing.images)
    lies = "; ".join(f"{count:,} {'file' if count == 1 else 'files'} {reason}" for reason, count in reasons.items())
    raise DatasetError(
        f"No data set is recognised here ({lies or 'an empty folder'}).",
        path=listing.folder,
        remedy=f"Twinlens reads {', '.join(one.in_words for one in LAYOUTS[:-1])}, and {LAYOUTS[-1].in_words}.",
    )


def _with_splits(
    folder: Path, layout: Layout, samples: list[Sample], seed: int, progress: Progress
) -> tuple[list[Sample], str]:
    """Return the samples with the splits that they lack, all or val, and in words where the splits come from."""
    have = Counter(sample.split for sample in samples)
    if have["val"] or (have["test"] and not have["train"]):
        return samples, layout.splits
    if layout.cut_tiles:
        return _with_tile_splits(folder, samples, seed, progress)
    groups, how = groups_of(folder, samples, progress)
    if have["test"]:
        return split_off_val(samples, groups, seed=seed), f"{layout.splits}; val made from train, seed {seed}, {how}"
    return split_by_group(samples, groups, seed=seed), f"made: {SHARES_IN_WORDS}, seed {seed}, {how}"


def _with_tile_splits(folder: Path, samples: list[Sample], seed: int, progress: Progress) -> tuple[list[Sample], str]:
    """Return tiles with a split by original, their ``group_id``, and how the originals were found."""
    if (known := known_groups(samples)) is not None:
        return split_by_group(
            samples, known, seed=seed
        ), f"made: {SHARES_IN_WORDS}, seed {seed}, groups from {GROUP_FILE}"
    groups = tile_groups(folder, samples, progress)
    samples = split_by_group(samples, groups, seed=seed)
    stems = [sample.path.stem for sample in samples]
    names = stems if len(set(stems)) == len(stems) else [s.path.relative_to(folder).as_posix() for s in samples]
    first: dict[int, str] = {}  # a group is called by its first tile
    samples = _in_groups(samples, [first.setdefault(group, name) for group, name in zip(groups, names, strict=True)])
    how = f"{len(first):,} groups of tiles that fit one another under a turn, mirroring and zoom"
    return samples, f"made: {SHARES_IN_WORDS}, seed {seed}, {how}"


def _in_groups(samples: Sequence[Sample], names: Sequence[str]) -> list[Sample]:
    return [replace(s, facts={**s.facts, "group_id": name}) for s, name in zip(samples, names, strict=True)]
