"""Answers that the history knows: what was found in earlier sessions comes back with the files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import __version__
from core.errors import TwinlensError
from core.names import readable
from core.records.history import History, Query
from core.records.review import Review
from gui.engine.result import Verdict, verdict_of
from gui.engine.results import Basis

Row = dict[str, Any]


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


def facts_of(verdict: Verdict) -> Row:
    """Return what has to be recorded beside the answers, so that they can come back."""
    kept = {name: verdict.record[name] for name in ("image", "notices")}
    return kept | {"own_task": verdict.own_task, "models": list(verdict.models)}


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
    """Return the answers to an image at a place, the newest of each basis.

    Records that say too little are passed over, and so are those of other versions.

    Raises:
        HistoryError: if it can't be read.
    """
    found: dict[Basis, Remembered] = {}
    for row in _rows(history, path, digest):
        basis = _basis(row)
        if basis is None or basis in found or row["version"] != __version__:
            continue  # another version may see another picture in the same file
        record = {"path": readable(path), "task": row["task"], "error": None, **row["answers"]}
        with suppress(KeyError, TwinlensError):
            verdict = verdict_of(record, record.pop("own_task"), tuple(record.pop("models")))
            found[basis] = Remembered(path, basis, verdict, Review(row["verdict"], row["note"]))
    return list(found.values())


def recorded(history: History, digest: str, path: Path, basis: Basis, settings: Row) -> Row | None:
    """Return the record of an image at a place that says the same as a new one would, None if there is none.

    Raises:
        HistoryError: if it can't be read.
    """
    now = {"settings": settings, "version": __version__}
    rows = (row for row in _rows(history, path, digest) if _basis(row) == basis)
    return next((row for row in rows if {name: row[name] for name in now} == now), None)


def latest_on(history: History, digest: str, path: Path, basis: Basis) -> Row | None:
    """Return the last record of an image at a place on a basis, whatever the heat map was, None if there is none.

    Raises:
        HistoryError: if it can't be read.
    """
    return next((row for row in _rows(history, path, digest) if _basis(row) == basis), None)


def _rows(history: History, path: Path, digest: str) -> Iterator[Row]:
    place = readable(path.absolute())
    return (row for row in history.find(Query(image_sha256=digest)) if row["path"] == place)


def _basis(row: Row) -> Basis | None:
    """Return what a record's answers rest on, None where it does not say so."""
    models, settings = row["answers"].get("models"), row["settings"]
    if models is None:
        return None
    teacher, student = models
    return Basis(row["task"], teacher, student, settings.get("runtime", ""), settings.get("threads"))
