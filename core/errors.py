"""The errors that Twinlens shows to a person: what was wrong, with which file, and what to do."""

from __future__ import annotations

from pathlib import Path

from core.names import readable


class TwinlensError(Exception):
    """Base of all errors that are meant to be read by the user.

    Args:
        problem: what was wrong, in one plain sentence without the path.
        path: the file or folder that it is about, if any.
        remedy: what the user can do about it, in one plain sentence.
    """

    def __init__(self, problem: str, *, path: str | Path | None = None, remedy: str = "") -> None:
        self.problem = problem
        self.path = None if path is None else Path(path)
        self.remedy = remedy
        super().__init__(problem, path, remedy)

    def __str__(self) -> str:
        head = self.problem if self.path is None else f"{readable(self.path)}: {self.problem}"
        return f"{head} {self.remedy}" if self.remedy else head


class ImageError(TwinlensError):
    """An image could not be opened."""


class BundleError(TwinlensError):
    """A model bundle is damaged, incomplete or unknown."""


class TaskError(TwinlensError):
    """A task's file is damaged, or two tasks of one name disagree."""


class RuntimeUnavailableError(TwinlensError):
    """The requested runtime or device is not present or does not agree with the reference."""


class WeightsUnavailableError(TwinlensError):
    """Published starting weights could not be fetched or are not the expected ones."""


class UsageError(TwinlensError):
    """What was asked for is not possible: an unknown task, model or class."""


class ExportError(TwinlensError):
    """A network could not be written in another format."""


class ExplanationError(TwinlensError):
    """A heat map could not be made."""


class WriteError(TwinlensError):
    """A report, export or record could not be written."""


class SourceError(WriteError):
    """Results can't be written for this image because of what it holds; other images may work."""
