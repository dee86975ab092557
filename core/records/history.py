"""The record of what was analysed: an SQLite file in the user's data folder.

Of an image only the digest is stored, and its path where that is wanted. Write-ahead logging lets several windows work
at once, and a killed process loses at most the record that it is writing.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from core.compare.comparison import Comparison
from core.errors import TwinlensError, UsageError
from core.names import readable
from core.records.analysis import COLUMNS, KEY, Analysis, AnalysisKey, analysis
from core.records.history_errors import explained
from core.records.history_layout import migrate
from core.records.history_waiting import Waiting, left_behind, read, waiting_files
from core.records.review import Review
from core.system.atomic_files import make_folder
from core.system.paths import data_folder

BUSY_SECONDS = 10.0  # how long to wait for another window's writing
BEGINNING_SECONDS = 0.02  # between two tries to open a file that another window begins


def history_path() -> Path:
    """Return where the history lies."""
    return data_folder() / "history.sqlite"


@dataclass(frozen=True)
class Query:
    """Which records to find; what is None or empty does not matter.

    Attributes:
        text: occurs in the path, the note, a model's name or a class, whatever the case.
        task: identifier of the task.
        same_class: whether both models agree; a hidden prediction neither agrees nor disagrees.
        reading: your reading, a class label of the task, ``other`` or ``not_assessable``; or what was said in an older
            version, ``agree``, ``disagree`` or ``unsure``.
        image_sha256: digest of the image.
        since: analysed then or later; a time with its zone.
        limit: at most so many, the newest first.
    """

    text: str = ""
    task: str | None = None
    same_class: bool | None = None
    reading: str | None = None
    image_sha256: str | None = None
    since: datetime | None = None
    limit: int = 1000


class History:
    """The history, open for reading and writing; close it, or use it in a ``with`` block. One thread uses it.

    Attributes:
        path: the file.
        notice: what a person should know about how it was opened, or an empty string.

    Args:
        path: the file; by default ``history.sqlite`` in the user's data folder.
        wait: how many seconds to wait while another window writes.

    Raises:
        HistoryError: if it can't be opened, or was written by a newer version. A damaged file is no error: it is
            renamed and a new one begun, which :attr:`notice` states.
    """

    def __init__(self, path: Path | None = None, wait: float = BUSY_SECONDS) -> None:
        self.path = path or history_path()
        self._wait = wait
        self.notice = ""
        make_folder(self.path.parent)
        with explained(self.path):
            try:
                self._database = self._open_patiently()
            except sqlite3.DatabaseError as cause:
                if cause.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                    raise
                self._set_aside()
                self._database = self._open_patiently()
        self._take_in()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def be_patient(self, seconds: float) -> None:
        """Wait this long, from now on, while another window writes."""
        with explained(self.path):
            self._database.execute(f"PRAGMA busy_timeout = {round(1000 * seconds)}")

    def add(
        self, image_sha256: str, comparison: Comparison, settings: Mapping[str, object], path: Path | None = None
    ) -> int:  # fmt: skip
        """Record an analysis, on disk when this returns.

        Args:
            image_sha256: digest of the image's file.
            comparison: both models on the image.
            settings: how it was made, plain values.
            path: where the image lies, or None to store no path.

        Returns:
            The record's number.

        Raises:
            HistoryError: if it can't be written, e.g. because the disk is full.
        """
        return self.insert(analysis(image_sha256, comparison, settings, path))

    def insert(self, found: Analysis) -> int:
        """Record an analysis and return its number.

        Raises:
            HistoryError: if it can't be written, e.g. because the disk is full.
        """
        row = {name: value for name, value in found.stored().items() if name != "reading"}  # which is of the image
        order = f"INSERT INTO analyses ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"  # noqa: S608
        with explained(self.path), self._database:
            done = self._database.execute(order, row)
        return int(done.lastrowid or 0)

    def latest(self, key: AnalysisKey) -> Analysis | None:
        """Return the last analysis of an image at a place, by some models with some settings.

        Raises:
            HistoryError: if it can't be read.
        """
        where = " AND ".join(f"{name} IS :{name}" for name in KEY)
        order = f"SELECT * FROM read_analyses WHERE {where} ORDER BY id DESC LIMIT 1"  # noqa: S608
        with explained(self.path):
            found = self._database.execute(order, asdict(key)).fetchone()
        return None if found is None else Analysis.from_stored(dict(found))

    def write(self, change: Waiting) -> None:
        """Write what has waited: an analysis that is not here yet, or the review of one that is.

        Raises:
            HistoryError: if it can't be written.
        """
        found = self.latest(change.key)
        if change.analysis is not None:
            if found is None or found.analysed_at != change.analysis.analysed_at:
                self.insert(change.analysis)
        elif found is not None and found.id is not None:
            with suppress(UsageError):  # deleted meanwhile
                self.review(found.id, change.review)

    def review(self, number: int, review: Review) -> None:
        """Store your reading of the image of an analysis: it is shown with all analyses of that image for that task.

        Args:
            number: the record's number.
            review: your reading and note; what an older version said is stored with this analysis alone.

        Raises:
            UsageError: if there is no such record.
            HistoryError: if it can't be written.
        """
        found = self.record(number)
        note = review.note.encode("utf-8", "backslashreplace").decode()  # what is typed in a terminal may be no text
        with explained(self.path), self._database:
            if review.older is not None and review.reading is None:
                order = "UPDATE analyses SET verdict = ?, note = ? WHERE id = ?"
                self._database.execute(order, (review.older, note, number))
            if review.older is None or review.reading is not None:
                order = "INSERT OR REPLACE INTO readings (image_sha256, task, reading, note) VALUES (?, ?, ?, ?)"
                self._database.execute(order, (found.image_sha256, found.task, review.reading, note))

    def record(self, number: int) -> Analysis:
        """Return the analysis of a number.

        Raises:
            UsageError: if there is no such record.
            HistoryError: if it can't be read.
        """
        with explained(self.path):
            found = self._database.execute("SELECT * FROM read_analyses WHERE id = ?", (number,)).fetchone()
        if found is None:
            raise UsageError(f"The history has no record {number}.", remedy="List it to see which it has.")
        return Analysis.from_stored(dict(found))

    def find(self, query: Query | None = None) -> Iterator[Analysis]:
        """Yield the analyses that a query names, newest first.

        Raises:
            HistoryError: if it can't be read.
        """
        query = query or Query()
        where: list[str] = ["1"]
        values: list[str | int] = []
        for word in readable(query.text).split():
            places = (
                "path",
                "note",
                "teacher_model",
                "student_model",
                "teacher_predicted",
                "student_predicted",
                "task",
                "reading",
            )
            where.append("(" + " OR ".join(f"{name} LIKE ? ESCAPE '\\'" for name in places) + ")")
            values += [f"%{_literal(word)}%"] * len(places)
        same = None if query.same_class is None else int(query.same_class)
        exact = {"task": query.task, "same_class": same, "image_sha256": query.image_sha256}
        for name, value in exact.items():
            if value is not None:
                where.append(f"{name} = ?")
                values.append(value)
        if query.reading is not None:
            where.append("(reading = ? COLLATE NOCASE OR verdict = ?)")
            values += [query.reading, query.reading]
        if query.same_class is not None:
            where += [f"NOT coalesce(json_extract(answers, '$.{side}.novel'), 0)" for side in ("teacher", "student")]
        if query.since is not None:
            where.append("analysed_at >= ?")
            values.append(query.since.astimezone(UTC).isoformat(timespec="seconds"))
        order = f"SELECT {', '.join(COLUMNS)} FROM read_analyses WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?"  # noqa: S608
        with explained(self.path):
            for row in self._database.execute(order, [*values, query.limit]):
                yield Analysis.from_stored(dict(row))

    def paths(self) -> set[str]:
        """Return where the images of all records lie, as :func:`core.names.readable` spells it."""
        with explained(self.path):
            found = self._database.execute("SELECT DISTINCT path FROM analyses WHERE path IS NOT NULL")
            return {row["path"] for row in found}

    def count(self) -> int:
        """Return how many records there are."""
        with explained(self.path):
            return int(self._database.execute("SELECT count(*) FROM analyses").fetchone()[0])

    def clear(self) -> int:
        """Delete all records for good, their space in the file included, and return how many there were.

        Raises:
            HistoryError: if another window is writing, or it can't be written.
        """
        with explained(self.path):
            with self._database:
                self._database.execute("DELETE FROM readings")
                gone = self._database.execute("DELETE FROM analyses").rowcount
            self._database.execute("VACUUM")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            for waiting in waiting_files(self.path):
                waiting.unlink(missing_ok=True)
        return gone

    def _open_patiently(self) -> sqlite3.Connection:
        """Open it, again while another window begins it: SQLite then refuses at once, whatever its timeout."""
        until = time.monotonic() + self._wait
        while True:
            try:
                return self._open()
            except sqlite3.OperationalError as cause:
                if cause.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(BEGINNING_SECONDS)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=self._wait)
        try:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")
            if database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise _corrupt()
            migrate(database, self.path)
        except BaseException:
            database.close()
            raise
        return database

    def _take_in(self) -> None:
        """Write what had to wait in processes that have ended; what still can't be written waits on."""
        for waiting in left_behind(self.path):
            with suppress(TwinlensError, OSError):
                for change in read(waiting):
                    with suppress(KeyError):  # no analysis of ours
                        self.write(change)
                waiting.unlink(missing_ok=True)

    def _set_aside(self) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        aside = self.path.with_name(f"{self.path.stem}-damaged-{stamp}{self.path.suffix}")
        self.path.replace(aside)
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        self.notice = f"The history was damaged. It was set aside as {aside.name}, and a new one begun."


def _corrupt() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("the file is damaged")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
