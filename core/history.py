"""The record of what was analysed: an SQLite file in the user's data folder.

Of an image only the digest is kept, and its path where that is wanted. Write-ahead logging lets several windows work at
once, and a killed process loses at most the record in hand.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self, get_args

from core import __version__
from core.comparison import Comparison
from core.errors import TwinlensError, UsageError
from core.files import make_folder
from core.folders import data_folder

Verdict = Literal["agree", "disagree", "unsure"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
BUSY_SECONDS = 10.0  # how long to wait for another window's writing

# each step leads from one version of the layout to the next; PRAGMA user_version counts the steps done
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE analyses (
        id INTEGER PRIMARY KEY,
        analysed_at TEXT NOT NULL,
        image_sha256 TEXT NOT NULL,
        path TEXT,
        task TEXT NOT NULL,
        teacher_model TEXT NOT NULL,
        teacher_sha256 TEXT NOT NULL,
        teacher_predicted TEXT NOT NULL,
        teacher_confidence REAL NOT NULL,
        student_model TEXT NOT NULL,
        student_sha256 TEXT NOT NULL,
        student_predicted TEXT NOT NULL,
        student_confidence REAL NOT NULL,
        same_class INTEGER NOT NULL,
        answers TEXT NOT NULL,
        settings TEXT NOT NULL,
        version TEXT NOT NULL
    ) STRICT;
    CREATE INDEX analyses_by_image ON analyses (image_sha256);
    """,
    """
    ALTER TABLE analyses ADD COLUMN verdict TEXT CHECK (verdict IN ('agree', 'disagree', 'unsure'));
    ALTER TABLE analyses ADD COLUMN note TEXT NOT NULL DEFAULT '';
    """,
)
COLUMNS = (
    "id", "analysed_at", "image_sha256", "path", "task", "teacher_model", "teacher_sha256", "teacher_predicted",
    "teacher_confidence", "student_model", "student_sha256", "student_predicted", "student_confidence", "same_class",
    "verdict", "note", "settings", "version", "answers",
)  # fmt: skip


def history_path() -> Path:
    """Return where the history lies."""
    return data_folder() / "history.sqlite"


class HistoryError(TwinlensError):
    """The history can't be read or written."""


@dataclass(frozen=True)
class Review:
    """What the reviewer thinks of a comparison.

    Attributes:
        verdict: ``agree``, ``disagree``, ``unsure``, or None where nothing was said.
        note: free text.
    """

    verdict: Verdict | None = None
    note: str = ""

    def __bool__(self) -> bool:
        return self.verdict is not None or bool(self.note)


NO_REVIEW = Review()


@dataclass(frozen=True)
class Query:
    """Which records to find; what is None or empty does not matter.

    Attributes:
        text: occurs in the path, the note, a model's name or an answer, whatever the case.
        task: identifier of the task.
        same_class: whether the two gave the same answer.
        verdict: the reviewer's verdict.
        image_sha256: digest of the image.
        since: analysed then or later; a time with its zone.
        limit: at most so many, the newest first.
    """

    text: str = ""
    task: str | None = None
    same_class: bool | None = None
    verdict: Verdict | None = None
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

    Raises:
        HistoryError: if it can't be opened, or was written by a newer version. A damaged file is no error: it is
            renamed and a new one begun, which :attr:`notice` says.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or history_path()
        self.notice = ""
        make_folder(self.path.parent)
        with self._explained():
            try:
                self._database = self._open()
            except sqlite3.DatabaseError as cause:
                if cause.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                    raise
                self._set_aside()
                self._database = self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def add(
        self, image_sha256: str, comparison: Comparison, settings: dict[str, Any], path: Path | None = None
    ) -> int:  # fmt: skip
        """Record an analysis, on disk when this returns.

        Args:
            image_sha256: digest of the image's file.
            comparison: what both models said.
            settings: how it was made, plain values.
            path: where the image lies, or None to keep no path.

        Returns:
            The record's number.

        Raises:
            HistoryError: if it can't be written, e.g. because the disk is full.
        """
        row: dict[str, Any] = {
            "analysed_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "image_sha256": image_sha256,
            "path": None if path is None else str(path.absolute()),
            "task": comparison.teacher.bundle.card.task,
            "same_class": int(comparison.same_class),
            "answers": json.dumps(comparison.as_dict(), ensure_ascii=False),
            "settings": json.dumps(settings, ensure_ascii=False),
            "version": __version__,
        }
        for role, answer in (("teacher", comparison.teacher), ("student", comparison.student)):
            row |= {
                f"{role}_model": answer.bundle.id,
                f"{role}_sha256": answer.bundle.card.weights_sha256,
                f"{role}_predicted": answer.prediction.predicted,
                f"{role}_confidence": answer.prediction.confidence,
            }
        names = ", ".join(row)
        places = ", ".join(f":{name}" for name in row)
        with self._explained(), self._database:
            found = self._database.execute(f"INSERT INTO analyses ({names}) VALUES ({places})", row)  # noqa: S608
        return int(found.lastrowid or 0)

    def review(self, number: int, verdict: Verdict | None, note: str = "") -> None:
        """Keep what the reviewer thinks of an analysis.

        Args:
            number: the record's number.
            verdict: ``agree``, ``disagree``, ``unsure``, or None to take it back.
            note: free text.

        Raises:
            UsageError: if there is no such record.
            HistoryError: if it can't be written.
        """
        with self._explained(), self._database:
            done = self._database.execute(
                "UPDATE analyses SET verdict = ?, note = ? WHERE id = ?", (verdict, note, number)
            )
        if done.rowcount == 0:
            raise UsageError(f"The history has no record {number}.", remedy="List it to see which it has.")

    def find(self, query: Query | None = None) -> Iterator[dict[str, Any]]:
        """Yield the records that a query names, newest first, with the keys of ``COLUMNS``.

        Raises:
            HistoryError: if it can't be read.
        """
        query = query or Query()
        where: list[str] = ["1"]
        values: list[str | int] = []
        for word in query.text.split():
            places = (
                "path",
                "note",
                "teacher_model",
                "student_model",
                "teacher_predicted",
                "student_predicted",
                "task",
            )
            where.append("(" + " OR ".join(f"{name} LIKE ? ESCAPE '\\'" for name in places) + ")")
            values += [f"%{_literal(word)}%"] * len(places)
        same = None if query.same_class is None else int(query.same_class)
        exact = {"task": query.task, "same_class": same, "verdict": query.verdict, "image_sha256": query.image_sha256}
        for name, value in exact.items():
            if value is not None:
                where.append(f"{name} = ?")
                values.append(value)
        if query.since is not None:
            where.append("analysed_at >= ?")
            values.append(query.since.astimezone(UTC).isoformat(timespec="seconds"))
        order = f"SELECT {', '.join(COLUMNS)} FROM analyses WHERE {' AND '.join(where)} ORDER BY id DESC LIMIT ?"  # noqa: S608
        with self._explained():
            for row in self._database.execute(order, [*values, query.limit]):
                yield {
                    **dict(row),
                    "same_class": bool(row["same_class"]),
                    "answers": json.loads(row["answers"]),
                    "settings": json.loads(row["settings"]),
                }

    def count(self) -> int:
        """Return how many records there are."""
        with self._explained():
            return int(self._database.execute("SELECT count(*) FROM analyses").fetchone()[0])

    def clear(self) -> int:
        """Delete all records for good, their space in the file included, and return how many there were.

        Raises:
            HistoryError: if another window is writing, or it can't be written.
        """
        with self._explained():
            with self._database:
                gone = self._database.execute("DELETE FROM analyses").rowcount
            self._database.execute("VACUUM")
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        try:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")
            if database.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise _corrupt()
            self._migrate(database)
        except BaseException:
            database.close()
            raise
        return database

    def _migrate(self, database: sqlite3.Connection) -> None:
        """Bring the layout up to date in one transaction, so that two windows that start at once do not clash."""
        database.isolation_level = None
        database.execute("BEGIN IMMEDIATE")
        try:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version > len(MIGRATIONS):
                raise HistoryError(
                    "The history was written by a newer version of Twinlens.",
                    path=self.path,
                    remedy="Update Twinlens, or move the file away.",
                )
            for step in MIGRATIONS[version:]:
                for statement in filter(str.strip, step.split(";")):
                    database.execute(statement)
            database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        except BaseException:
            database.execute("ROLLBACK")
            raise
        database.execute("COMMIT")
        database.isolation_level = "DEFERRED"

    def _set_aside(self) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        aside = self.path.with_name(f"{self.path.stem}-damaged-{stamp}{self.path.suffix}")
        self.path.replace(aside)
        for ending in ("-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
        self.notice = f"The history was damaged. It was set aside as {aside.name}, and a new one begun."

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn SQLite's errors into ones for a person."""
        try:
            yield
        except sqlite3.Error as cause:
            code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
            problem, remedy = _REASONS.get(code, (f"The history can't be used ({cause}).", "Move the file away."))
            raise HistoryError(problem, path=self.path, remedy=remedy) from cause
        except OSError as cause:
            raise HistoryError(
                f"The history can't be used ({cause.strerror}).", path=self.path, remedy="Check the folder."
            ) from cause


_REASONS = {
    sqlite3.SQLITE_FULL: ("The disk is full, so the history was not written.", "Free some space."),
    sqlite3.SQLITE_IOERR: ("The disk failed or is full, so the history was not written.", "Check the disk."),
    sqlite3.SQLITE_BUSY: ("Another window has kept the history busy.", "Try again."),
    sqlite3.SQLITE_LOCKED: ("Another window has kept the history busy.", "Try again."),
    sqlite3.SQLITE_READONLY: ("The history may not be written.", "Check the permissions of the file."),
    sqlite3.SQLITE_CANTOPEN: ("The history can't be opened.", "Check the permissions of the folder."),
    sqlite3.SQLITE_CORRUPT: ("The history was damaged while it was open.", "Start again; it will be set aside."),
    sqlite3.SQLITE_NOTADB: ("The history was damaged while it was open.", "Start again; it will be set aside."),
}


def is_refused(row: dict[str, Any], side: str) -> bool:
    """Return whether the image of a record was one that the teacher, or the student, can't judge."""
    return bool(row["answers"][side].get("novel"))


def _corrupt() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("the file is damaged")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
