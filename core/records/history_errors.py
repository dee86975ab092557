"""The errors of the history, in words for a person."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import TwinlensError
from core.system.atomic_files import cannot_write


class HistoryError(TwinlensError):
    """The history can't be read or written."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite and the system within into ones for a person.

    Raises:
        HistoryError: in their place.
    """
    try:
        yield
    except sqlite3.Error as cause:
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        problem, remedy = _REASONS.get(code, (f"The history can't be used ({cause}).", "Move the file away."))
        raise HistoryError(problem, path=path, remedy=remedy) from cause
    except OSError as cause:
        error = cannot_write(path, cause)
        raise HistoryError(error.problem, path=path, remedy=error.remedy) from cause


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
