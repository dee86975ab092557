"""What the program stores on this machine and can be removed: what it can make again, and the history."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import WriteError
from core.records.history import History, history_path
from core.records.history_waiting import waiting_files
from core.system.cache import CACHES, unlisted

HISTORY = "history"


@dataclass(frozen=True)
class StoredItem:
    """One kind of stored data.

    Attributes:
        key: ``history``, the place of one of ``CACHES``, or ``other`` for what else lies in the cache folder.
        name: what it is, for a person.
        remark: what its removal means, for a person.
        paths: its files and folders.
        size: bytes on disk.
    """

    key: str
    name: str
    remark: str
    paths: tuple[Path, ...]
    size: int


def kept() -> list[StoredItem]:
    """Return what is stored, with its size; what does not exist is left out."""
    found = [_measured(cache.place, cache.name, cache.remark, (cache.folder,)) for cache in CACHES]
    found.append(_measured("other", "Other caches", "Made again when it is needed", tuple(unlisted())))
    remark = "All records and readings; can't be made again"
    found.append(_measured(HISTORY, "History", remark, tuple(_history_files())))
    return [item for item in found if item.size]


def remove(item: StoredItem) -> None:
    """Remove one kind of stored data for good; the history is emptied, not deleted: another window may have it open.

    Raises:
        WriteError: if something can't be removed.
        HistoryError: if the history can't be emptied.
    """
    if item.key == HISTORY:
        with History() as history:
            history.clear()
    try:
        for path in item.paths:
            if item.key == HISTORY and "-damaged-" not in path.name:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as cause:
        raise WriteError(
            f"It can't be removed ({cause.strerror or cause}).", path=item.paths[0], remedy="Close other windows first."
        ) from cause


def _history_files() -> Iterator[Path]:
    """Yield the history's file, those that SQLite keeps beside it, damaged ones set aside, and what has to wait."""
    path = history_path()
    if path.parent.is_dir():
        yield from path.parent.glob(f"{path.stem}*{path.suffix}*")
        yield from waiting_files(path)


def _measured(key: str, name: str, remark: str, paths: tuple[Path, ...]) -> StoredItem:
    return StoredItem(key, name, remark, paths, sum(map(_size, paths)))


def _size(path: Path) -> int:
    try:
        if path.is_dir() and not path.is_symlink():
            return sum(_size(inner) for inner in path.iterdir())
        return path.lstat().st_size
    except OSError:  # gone meanwhile, or not ours to see
        return 0
