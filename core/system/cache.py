"""Caches on disk, of what can be made again: a folder each, with a file or a folder for each entry.

An entry appears under its name only when all of it has been written. Another process may write the same entry at the
same time: one of the two stays, and both are equal.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from core.system.atomic_files import cannot_write
from core.system.paths import cache_folder

UNFINISHED = ".new-"  # the number of the process and its machine follow


@dataclass(frozen=True)
class Cache:
    """One cache; those of the program are in ``CACHES``.

    Attributes:
        place: its folder below the cache folder.
        name: what it holds, for a person.
        remark: what its removal means, for a person.
        most: how many entries it has at most, the most recently used ones; None for no limit.
    """

    place: str
    name: str
    remark: str
    most: int | None = None

    @property
    def folder(self) -> Path:
        """Where its entries are; it may not exist yet."""
        return cache_folder() / self.place

    def entry(self, key: str) -> Path:
        """Return where an entry is, or would be; a key is a file name, or a path below the cache."""
        return self.folder / key

    def find(self, key: str, *files: str) -> Path | None:
        """Return an entry, which then counts as just used, or None where there is none.

        Args:
            key: its key.
            files: what an entry that is a folder must hold; one that was only partly removed counts as none.
        """
        entry = self.entry(key)
        if not all((entry / file).exists() for file in ("", *files)):
            self.forget(key)
            return None
        with suppress(OSError):  # it is another user's
            os.utime(entry)
        return entry

    @contextmanager
    def new(self, key: str) -> Iterator[Path]:
        """Give the path at which to write an entry, as a file or as a folder; it becomes the entry when that is done.

        If writing fails, nothing is left behind. Old entries and what killed processes left behind are removed.

        Raises:
            WriteError: if it can't be written, e.g. because the disk is full.
        """
        entry = self.entry(key)
        try:
            entry.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=_mark(os.getpid())) as folder:
                staged = Path(folder) / entry.name
                yield staged
                try:
                    staged.replace(entry)
                except OSError:
                    if not entry.exists():  # else another process was faster
                        raise
        except OSError as cause:
            raise cannot_write(entry, cause) from cause
        self._forget_oldest()
        self.sweep()

    def forget(self, key: str) -> None:
        """Remove an entry, if it is there."""
        _remove(self.entry(key))

    def sweep(self) -> None:
        """Remove what killed processes of this machine left unfinished."""
        for leftover in self.folder.glob(f"{UNFINISHED}*"):
            pid, _, _ = leftover.name.removeprefix(UNFINISHED).partition("-")
            if pid.isdecimal() and leftover.name.startswith(_mark(int(pid))) and not psutil.pid_exists(int(pid)):
                _remove(leftover)

    def _forget_oldest(self) -> None:
        if self.most is None:
            return
        used: list[tuple[float, Path]] = []
        for entry in self.folder.glob("[!.]*"):
            with suppress(FileNotFoundError):  # another process removed it
                used.append((entry.stat().st_mtime, entry))
        for _, entry in sorted(used)[: -self.most]:
            _remove(entry)


GRAPHS = Cache("graphs", "Graphs of runs and older models", "Made again when a training needs them", most=8)
IMAGENET_WEIGHTS = Cache("imagenet", "ImageNet weights", "Downloaded again when a training needs them")
TRAINING_IMAGES = Cache("training/images", "Training images at network size", "Made again when a training needs them")
SLIDE_FIELDS = Cache("slide-fields", "Fields of whole slides", "Open them again from their slides")
TEACHER_LOGITS = Cache(
    "training/teacher-logits", "Teacher outputs for distillation", "Computed again when a training needs them"
)
PREDICTIONS = Cache("answers", "Predictions on evaluation images", "Computed again at the next evaluation", most=40)
IMAGE_GROUPS = Cache("groups", "Groups of related images", "Found again when the data set is next used")
BORDER_PROBES = Cache("border-probe", "Shortcut checks of data sets", "Measured again at the next evaluation")
PASTED_IMAGES = Cache("pasted", "Images pasted from the clipboard", "The worklist can't open them again", most=200)

CACHES = (
    GRAPHS,
    IMAGENET_WEIGHTS,
    TRAINING_IMAGES,
    SLIDE_FIELDS,
    TEACHER_LOGITS,
    PREDICTIONS,
    IMAGE_GROUPS,
    BORDER_PROBES,
    PASTED_IMAGES,
)


def unlisted(folder: Path | None = None) -> Iterator[Path]:
    """Yield the files and folders in the cache folder that belong to none of ``CACHES``."""
    listed = [cache.folder for cache in CACHES]
    folder = folder or cache_folder()
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir() and not path.is_symlink() and any(path in place.parents for place in listed):
            yield from unlisted(path)
        elif path not in listed:
            yield path


def _mark(pid: int) -> str:
    """Return how the names of a process's unfinished entries begin: machines may share a cache folder."""
    return f"{UNFINISHED}{pid}-{platform.node()}-"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)
