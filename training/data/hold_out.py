"""Data sets with one source held out each: what a network scores on a clinic that it has never seen."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import UsageError
from core.system.atomic_files import make_folder, written_whole
from training.data.dataset import Dataset, Sample
from training.data.layouts.manifest import NAME

FEWEST = 20  # test images of a source below which its score means little


@dataclass(frozen=True)
class HeldOut:
    """One source held out.

    Attributes:
        value: the source.
        folder: where its manifest lies, None where it can't be held out.
        images: how many images each split has.
        reason: why it can't be held out; else empty.
    """

    value: str
    folder: Path | None
    images: dict[str, int]
    reason: str = ""

    def words(self) -> str:
        """Return the outcome in a line."""
        if self.folder is None:
            return f"{self.value}: not held out: {self.reason}"
        return f"{self.value}: {', '.join(f'{split} {n:,}' for split, n in self.images.items())}: {self.folder}"


def hold_out(dataset: Dataset, out: Path, by: str = "source") -> list[HeldOut]:
    """Write a manifest for each source: trained and validated on all others, tested on its own test images.

    The test images of a source are those of the data set's own split, so that scores can be compared with those of a
    network that has seen the source. Test images of other sources, and others of a patient or group that is tested, are
    left out.

    Args:
        dataset: the data set; its images stay where they are.
        out: the folder that gets a folder for each source.
        by: the column of the manifest that names the source.

    Raises:
        UsageError: if fewer than two values are known.
        WriteError: if something can't be written.
    """
    values = sorted({value for sample in dataset.samples if (value := sample.known(by))})
    if len(values) < 2:
        raise UsageError(
            f"The data set names {len(values)} values of {by!r}.",
            path=dataset.folder,
            remedy="Give the manifest a column that says where each image comes from, and name it with --by.",
        )
    return [_held_out(dataset, value, by, out) for value in values]


def _held_out(dataset: Dataset, value: str, by: str, out: Path) -> HeldOut:
    kept = list(_kept(dataset.samples, value, by))
    images = dict(Counter(sample.split for sample in kept))
    trained = {sample.label for sample in kept if sample.split == "train"}
    lacking = sorted(set(dataset.classes) - trained)
    reason = ""
    if images.get("test", 0) < FEWEST:
        reason = f"it has {images.get('test', 0)} of at least {FEWEST} test images"
    elif lacking:
        reason = f"no other source has training images of {', '.join(lacking)}"
    elif not images.get("val"):
        reason = "no other source has validation images"
    if reason:
        return HeldOut(value, None, images, reason)
    folder = out / (re.sub(r"[^\w.-]+", "-", value).strip("-.") or "source")
    _write(folder / NAME, kept)
    return HeldOut(value, folder, images)


def _kept(samples: Sequence[Sample], value: str, by: str) -> Iterator[Sample]:
    tested = [s for s in samples if s.known(by) == value and s.split == "test"]
    groups = {s.group for s in tested if s.group}
    yield from tested
    # an image of no known source may be of the one that is held out
    yield from (s for s in samples if s.known(by) not in ("", value) and s.split != "test" and s.group not in groups)


def _write(path: Path, samples: Sequence[Sample]) -> None:
    make_folder(path.parent)
    facts = list(dict.fromkeys(name for sample in samples for name in sample.facts))
    with written_whole(path) as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "split", *facts])
        for sample in samples:
            known = (sample.facts.get(name, "") for name in facts)
            table.writerow([sample.path.resolve(), sample.label, sample.split, *known])
