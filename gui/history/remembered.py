"""Results of earlier sessions: they come back with their files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core import __version__
from core.compare.ground_truth import Labels
from core.errors import TwinlensError
from core.names import readable
from core.records.analysis import Analysis, Facts
from core.records.history import History, Query
from core.records.review import Review
from gui.engine.result import FileResult, result_of_record
from gui.engine.results import Basis


@dataclass(frozen=True)
class Remembered:
    """One result of an earlier session.

    Attributes:
        path: the file.
        basis: what it depends on.
        result: both predictions.
        review: your reading.
    """

    path: Path
    basis: Basis
    result: FileResult
    review: Review


def facts_of(result: FileResult) -> Facts:
    """Return what has to be recorded beside the predictions, so that they can come back."""
    return Facts(result.record.image, result.record.notices, result.own_task, result.models)


def digests(paths: Sequence[Path], unwanted: Callable[[], bool]) -> Iterator[tuple[Path, str]]:
    """Yield files with their SHA-256, as far as they can be read and it is still wanted."""
    for path in paths:
        if unwanted():
            return
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue  # reported when it is analysed
        yield path, digest


def recall(history: History, path: Path, digest: str, labels: Labels) -> list[Remembered]:
    """Return the results of an image at a place, the newest of each basis.

    Records that hold too little are skipped, and so are those of other versions. ``labels`` looks up true classes.

    Raises:
        HistoryError: if it can't be read.
    """
    found: dict[Basis, Remembered] = {}
    for row in _rows(history, path, digest):
        basis = _basis(row)
        if basis is None or basis in found or row.version != __version__:
            continue  # another version may see another picture in the same file
        with suppress(ValueError, TwinlensError):
            facts = row.facts()
            result = result_of_record(row.record(path), facts.own_task, facts.models, labels)
            found[basis] = Remembered(path, basis, result, row.review)
    return list(found.values())


def recorded(
    history: History, digest: str, path: Path, basis: Basis, settings: Mapping[str, object]
) -> Analysis | None:
    """Return the record of an image at a place that equals a new one, None if there is none.

    Raises:
        HistoryError: if it can't be read.
    """
    rows = (row for row in _rows(history, path, digest) if _basis(row) == basis)
    return next((row for row in rows if (row.settings, row.version) == (settings, __version__)), None)


def latest_on(history: History, digest: str, path: Path, basis: Basis) -> Analysis | None:
    """Return the last record of an image at a place on a basis, whatever the heat map was, None if there is none.

    Raises:
        HistoryError: if it can't be read.
    """
    return next((row for row in _rows(history, path, digest) if _basis(row) == basis), None)


def _rows(history: History, path: Path, digest: str) -> Iterator[Analysis]:
    place = readable(path.absolute())
    return (row for row in history.find(Query(image_sha256=digest)) if row.path == place)


def _basis(row: Analysis) -> Basis | None:
    """Return what a record's predictions depend on, None where it does not state that."""
    if row.models is None:
        return None
    return Basis(row.task, *row.models, row.settings.get("runtime", ""), row.settings.get("threads"))
