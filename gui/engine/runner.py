"""Does the work of the engine's thread, one piece at a time, and reports it. Knows nothing of Qt and of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import get_args

from core.compare.comparison import Comparison
from core.compare.ground_truth import Labels
from core.compare.pipeline import Examined, Pipeline
from core.compare.session import Choice, Models
from core.errors import (
    BundleError,
    ExplanationError,
    ImageError,
    RuntimeUnavailableError,
    TwinlensError,
    UsageError,
    WriteError,
)
from core.explain.scorecam import Depth
from core.images.medical_image import MedicalImage
from gui.engine.events import (
    WARMING_UP,
    ComparisonGrown,
    Event,
    FileCompared,
    FileFailed,
    FilePredicted,
    FileUnreadable,
    ImageFailed,
    ImageOpened,
    LoadingModel,
    ModelsReady,
    Warned,
)
from gui.engine.image_pyramid import ScreenPicture
from gui.engine.jobs import CompareImage, WarmUp
from gui.engine.result import FileResult, file_result
from gui.engine.session import REPEATS, window_session

Question = Callable[[], bool]


class ModelsUnusableError(Exception):
    """The models of a batch can't be used, whatever the image."""


class JobRunner:
    """Owns the session; belongs to one thread.

    Args:
        report: told what happens.
        is_stopping: whether all work is to stop.
    """

    def __init__(self, report: Callable[[Event], object], is_stopping: Question) -> None:
        self._report = report
        self._session = window_session(is_stopping)
        self._picture: ScreenPicture | None = None  # of the last image
        self._labels = Labels()

    def forget_models(self) -> None:
        """Let go of all models."""
        self._session.forget_models()

    def warm_up(self, job: WarmUp, is_outdated: Question) -> None:
        """Load the models, and do what their heat maps would wait for, unless an image is here already."""
        self._session.announce = lambda name: self._report(LoadingModel(WARMING_UP, name))
        try:
            models = self._session.models(job.choice)
        except TwinlensError as error:
            self._report(Warned(str(error)))
            return
        self._report_models(WARMING_UP, models)
        if job.choice.cam in get_args(Depth):
            for classifier in (models.student, models.teacher):
                if is_outdated():
                    return
                with suppress(TwinlensError):  # it is reported when a map is asked for
                    classifier.runtime.prepare_masks()

    def compare_image(self, job: CompareImage, is_outdated: Question) -> None:
        """Compare and explain the image on screen, until it is outdated."""
        self._session.announce = lambda name: self._report(LoadingModel(job.ticket, name))
        try:
            image = self._session.open(job.path, frame=job.frame)
        except TwinlensError as error:
            self._report_file(job, FileUnreadable(job.path, str(error)))
            self._report(ImageFailed(job.ticket, job.path, str(error)))
            return
        try:
            self._report(ImageOpened(job.ticket, self._picture_of(image)))
            if not is_outdated():
                self._compare(job, image, is_outdated)
        except TwinlensError as error:
            self._report_file(job, FileFailed(job.path, str(error), job.choice))
            self._report(ImageFailed(job.ticket, job.path, str(error)))

    def begin_files(
        self,
        paths: Iterable[Path],
        total: int,
        choice: Choice,
        announce: Callable[[str], object],
        on_ready: Callable[[], object],
    ) -> Pipeline:
        """Return what compares the files of "Analyse all", not begun yet; arguments are those of a pipeline."""
        return Pipeline(self._session, paths, total, choice, announce=announce, on_ready=on_ready)

    def events_of(self, found: Examined, choice: Choice) -> list[Event]:
        """Return what is to be reported of a file of "Analyse all".

        Raises:
            ModelsUnusableError: if no image could be compared.
            Exception: a defect, if there was one.
        """
        path, compared, error = found.path, found.compared, found.error
        if isinstance(error, ImageError):
            return [FileUnreadable(path, str(error))]
        if isinstance(error, TwinlensError):
            if _concerns_all(error, choice):
                raise ModelsUnusableError(str(error)) from error
            return [FileFailed(path, str(error), choice)]
        if error is not None:
            raise error
        assert compared is not None and compared.image is not None and compared.comparison is not None  # noqa: S101
        result = self._result(compared.image, compared.comparison)
        # first the result, in whose place its review may come back
        return [FilePredicted(path, result, choice), FileCompared(path, result, compared.comparison, choice)]

    def _compare(self, job: CompareImage, image: MedicalImage, is_outdated: Question) -> None:
        models = self._session.models(job.choice, image)
        self._report_models(job.ticket, models)
        growing = self._session.compare(
            image, job.choice, job.explained, repeats=REPEATS, remember=True, is_outdated=is_outdated
        )
        found = next(growing)
        self._report_file(job, FilePredicted(job.path, self._result(image, found), job.choice))
        try:
            self._report(ComparisonGrown(job.ticket, found, refining=True))
            for found in growing:
                if is_outdated():
                    return
                self._report(ComparisonGrown(job.ticket, found, refining=True))
        except ExplanationError as error:  # the predictions stand without the map
            self._report(Warned(str(error)))
        finally:
            result = self._result(image, found)
            self._report_file(job, FileCompared(job.path, result, found, job.choice))
        self._report_file(job, FilePredicted(job.path, result, job.choice))
        self._report(ComparisonGrown(job.ticket, found, refining=False))

    def _report_file(self, job: CompareImage, event: Event) -> None:
        """Report on a file, whose results are those of its first frame."""
        if job.frame == 0:
            self._report(event)

    def _result(self, image: MedicalImage, found: Comparison) -> FileResult:
        return file_result(image, found, self._session.own_task(image).id, self._labels)

    def _report_models(self, ticket: int, models: Models) -> None:
        self._report(ModelsReady(ticket, models.task, models.teacher.bundle, models.student.bundle))

    def _picture_of(self, image: MedicalImage) -> ScreenPicture:
        if self._picture is None or self._picture.image is not image:
            self._picture = ScreenPicture(image)
        return self._picture


def _concerns_all(error: TwinlensError, choice: Choice) -> bool:
    """Whether an error is of the models, not of one image; where each image tells its task, others may have models."""
    if isinstance(error, UsageError):
        return choice.task is not None
    return isinstance(error, BundleError | RuntimeUnavailableError | WriteError)
