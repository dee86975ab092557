"""Answers that the history knows: what was found in earlier sessions comes back with the files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import TwinlensError
from core.history import History, Query, Review
from core.names import readable
from gui.results import Basis
from gui.verdict import Verdict, verdict_of

Row = dict[str, Any]
FACTS = {"image", "notices", "own_task"}  # what the recorder keeps beside the answers


@dataclass(frozen=True)
class Remembered:
    """One answer of an earlier session.

    Attributes:
        path: the file.
        basis: what it rests on.
        verdict: what both models said.
        review: what the reviewer thought of it.
    """

    path: Path
    basis: Basis
    verdict: Verdict
    review: Review


def known(history: History, paths: Sequence[Path]) -> list[Path]:
    """Return the files that the history has records of."""
    recorded = history.paths()
    return [path for path in paths if readable(path.absolute()) in recorded]


def digests(paths: Sequence[Path], unwanted: Callable[[], bool]) -> Iterator[tuple[Path, str]]:
    """Yield files with their SHA-256, as far as they can be read and it is still wanted."""
    for path in paths:
        if unwanted():
            return
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue  # it says so when it is analysed
        yield path, digest


def recall(history: History, path: Path, digest: str) -> list[Remembered]:
    """Return the answers to an image at a place, the newest of each basis; records that say too little are passed over.

    Raises:
        HistoryError: if it can't be read.
    """
    found: dict[Basis, Remembered] = {}
    for row in _rows(history, path, digest):
        basis, record = _basis(row), {"path": readable(path), "task": row["task"], "error": None, **row["answers"]}
        if basis in found or not record.keys() >= FACTS:
            continue
        with suppress(KeyError, TwinlensError):  # written by another version, which knew other things
            verdict = verdict_of(record, record.pop("own_task"))
            found[basis] = Remembered(path, basis, verdict, Review(row["verdict"], row["note"]))
    return list(found.values())


def latest_on(history: History, digest: str, path: Path, basis: Basis) -> Row | None:
    """Return the last record of an image at a place on a basis, whatever the heat map was, None if there is none.

    Raises:
        HistoryError: if it can't be read.
    """
    return next((row for row in _rows(history, path, digest) if _basis(row) == basis), None)


def _rows(history: History, path: Path, digest: str) -> Iterator[Row]:
    place = readable(path.absolute())
    return (row for row in history.find(Query(image_sha256=digest)) if row["path"] == place)


def _basis(row: Row) -> Basis:
    settings = row["settings"]
    return Basis(
        row["task"], row["teacher_sha256"], row["student_sha256"], settings.get("runtime", ""), settings.get("threads")
    )
