"""Changes that could not be written to the history yet: lines of JSON in a file beside it, one file a writer.

They are only ever appended to, so that a killed process loses at most the line that it is writing. Whoever opens the
history next takes them in.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from core.records.analysis import KEY, Analysis, AnalysisKey
from core.records.review import NO_REVIEW, Review
from core.system.atomic_files import make_folder

# number and start of the process, since numbers come again, in containers at once; then a number within it
NAME = "history-waiting-{}-{}-{}.jsonl"
_numbers = itertools.count()


@dataclass(frozen=True)
class Waiting:
    """A change to the history that waits to be written.

    Attributes:
        key: what identifies the analysis.
        analysis: an analysis that is new, or None where this is a review of one that went before.
        review: your reading of that one.
    """

    key: AnalysisKey
    analysis: Analysis | None = None
    review: Review = NO_REVIEW

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        if self.analysis is None:
            return {"row": asdict(self.key), "review": asdict(self.review)}
        return {"row": self.analysis.stored(), "review": None}

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Waiting:
        """Return the change that :meth:`as_dict` made plain.

        Raises:
            KeyError, TypeError, ValueError, IndexError: if it is none.
        """
        row, review = plain["row"], plain["review"]
        if review is None:
            found = Analysis.from_stored(row)
            return cls(found.key, found)
        key = AnalysisKey(**{name: row[name] for name in KEY})
        if isinstance(review, list):  # of an older version
            return cls(key, review=Review(note=str(review[1]), older=review[0]))
        return cls(key, review=Review(review["reading"], str(review["note"]), review["older"]))


def new_waiting_file(history: Path) -> Path:
    """Return where a writer of this process, and no other one, lets changes wait: a file beside the history."""
    return history.with_name(NAME.format(os.getpid(), _started(os.getpid()), next(_numbers)))


def waiting_files(history: Path) -> list[Path]:
    """Return the files of all processes, beside a history."""
    return sorted(history.parent.glob(NAME.format("*", "*", "*")))


def left_behind(history: Path) -> list[Path]:
    """Return the files of processes that have ended; those that run write their own."""
    return [path for path in waiting_files(history) if not _is_running(path)]


def keep(path: Path, change: Waiting) -> None:
    """Add a change to a file, on disk when this returns.

    Raises:
        OSError: if it can't be written.
        WriteError: if its folder can't be made.
    """
    make_folder(path.parent)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(change.as_dict()) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> Iterator[Waiting]:
    """Yield the changes in a file; a line that was cut off, or is none of ours, is passed over.

    Raises:
        OSError: if it can't be read.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                yield Waiting.from_dict(json.loads(line))
            except (ValueError, KeyError, TypeError, IndexError):
                continue


def _is_running(path: Path) -> bool:
    number, start, _ = path.stem.split("-")[-3:]
    return number.isdecimal() and start == str(_started(int(number)))


def _started(process: int) -> int | None:
    """Return when a process was started, in seconds since 1970, None where there is no such process."""
    try:
        return int(psutil.Process(process).create_time())
    except psutil.Error:
        return None
