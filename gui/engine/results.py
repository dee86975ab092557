"""The results of each file, by models and settings; another choice forgets none of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from core.compare.session import Choice
from core.errors import UsageError
from core.models.card import Role
from core.models.catalogue import Catalogue
from core.records.review import NO_REVIEW, Review
from core.tasks import TASKS
from gui.engine.result import FileResult, model_digest
from gui.engine.session import chosen_bundle


@dataclass(frozen=True)
class Basis:
    """What a result depends on beside the image.

    Attributes:
        task: identifier of the task.
        teacher: the teacher's :func:`gui.engine.result.model_digest`.
        student: the student's.
        runtime: the runtime that was chosen.
        threads: the CPU threads that were chosen, or None.
    """

    task: str
    teacher: str
    student: str
    runtime: str
    threads: int | None


@dataclass
class Noted:
    """What the reader said of one image for one task; all its results share it."""

    review: Review = NO_REVIEW

    def bring_back(self, review: Review) -> None:
        """Take what was said in an earlier session, unless something was said since."""
        self.review = self.review or review


@dataclass
class Result:
    """The result of one file.

    Attributes:
        file_result: both predictions.
        noted: what the reader said of the image.
    """

    file_result: FileResult
    noted: Noted = field(default_factory=Noted)

    @property
    def review(self) -> Review:
        """The reader's reading of the image, whichever models it was shown with."""
        return self.noted.review

    @review.setter
    def review(self, review: Review) -> None:
        self.noted.review = review


def basis_of(file_result: FileResult, choice: Choice) -> Basis:
    """Return what a result depends on."""
    return Basis(file_result.record.task, *file_result.models, choice.runtime, choice.threads)


def bases_of(choice: Choice, catalogue: Catalogue) -> dict[str, Basis]:
    """Return what results by a choice depend on, by task; tasks without both models are left out."""
    found = {}
    for task in [choice.task] if choice.task else TASKS:
        with suppress(UsageError):  # not installed
            teacher, student = (model_digest(chosen_bundle(catalogue, task, role, choice)) for role in get_args(Role))
            found[task] = Basis(task, teacher, student, choice.runtime, choice.threads)
    return found


class Results:
    """Keeps the results of all files that were in the worklist."""

    def __init__(self) -> None:
        self._found: dict[Path, dict[Basis, Result]] = {}
        self._own_task: dict[Path, str] = {}
        self._noted: dict[tuple[Path, str], Noted] = {}  # by file and task
        self._speed: dict[Basis, dict[Path, float]] = {}  # how many times faster the student was

    def keep(self, path: Path, basis: Basis, file_result: FileResult) -> Result:
        """Keep a result in place of an earlier one on the same basis, and return it; the reader's reading stays.

        Where the file was another image before, the results of that one are dropped.
        """
        if self._is_of_another_image(path, file_result):
            del self._found[path]
            self._noted = {key: noted for key, noted in self._noted.items() if key[0] != path}
            for ratios in self._speed.values():
                ratios.pop(path, None)
        self._own_task[path] = file_result.own_task
        noted = self._noted.setdefault((path, basis.task), Noted())
        result = self._found.setdefault(path, {}).setdefault(basis, Result(file_result, noted))
        result.file_result = file_result
        self._speed.setdefault(basis, {})[path] = file_result.record.agreement.speed_ratio
        return result

    def remember(self, path: Path, basis: Basis, file_result: FileResult, review: Review) -> Result | None:
        """Keep a result of an earlier session and return it; None where there is a newer one."""
        if self.get(path, basis) is not None or self._is_of_another_image(path, file_result):
            return None
        result = self.keep(path, basis, file_result)
        result.noted.bring_back(review)
        return result

    def _is_of_another_image(self, path: Path, file_result: FileResult) -> bool:
        kept = {result.file_result.record.image.sha256 for result in self._found.get(path, {}).values()}
        return bool(kept - {file_result.record.image.sha256})

    def get(self, path: Path, basis: Basis) -> Result | None:
        """Return the result of a file on a basis."""
        return self._found.get(path, {}).get(basis)

    def basis(self, path: Path, bases: Mapping[str, Basis], task: str | None) -> Basis | None:
        """Return the basis of a file's result, None where its task is not known.

        Args:
            path: the file.
            bases: those of the present choice, by task.
            task: the task that was chosen for all files, None to tell it from the image.
        """
        return bases.get(task or self._own_task.get(path, ""))

    def of(self, paths: Iterable[Path], bases: Mapping[str, Basis], task: str | None) -> dict[Path, Result]:
        """Return the results of files on the bases of the present choice, as far as there are any."""
        found = {}
        for path in paths:
            basis = self.basis(path, bases, task)
            result = None if basis is None else self.get(path, basis)
            if result is not None:
                found[path] = result
        return found

    def speed_ratios(self, basis: Basis) -> list[float]:
        """Return how many times faster the student's forward was, for each file with a result on a basis."""
        return list(self._speed.get(basis, {}).values())
