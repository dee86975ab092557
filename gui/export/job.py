"""Writing reports and exports: which images, compared anew where they have no heat maps yet. Uses no widgets."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from core.compare.recent import Recent
from core.compare.record import failed_record
from core.compare.session import Choice, Compared, Interrupted
from core.errors import ImageError
from core.exports.batch import Outputs
from core.exports.format import Wanted
from core.images.reader import read_image
from core.records.review import NO_REVIEW, Review
from core.reports.letterhead import NO_LETTERHEAD, Letterhead
from core.system.atomic_files import make_folder
from gui.engine.result import FileResult
from gui.engine.session import REPEATS, window_session
from gui.worklist.entry import Entry, State

COMPARISONS_KEPT = 3  # so that turning back the preview's pages costs nothing

Stop = Callable[[], bool]
Told = Callable[[int, int, float | None], object]  # done, total, seconds left where they can be estimated


class Scope(StrEnum):
    """Which images are exported."""

    THIS = "this"
    SELECTED = "selected"
    SHOWN = "shown"
    DISAGREE = "disagree"
    ANALYSED = "analysed"


@dataclass(frozen=True)
class Item:
    """One image to be exported.

    Attributes:
        path: the file.
        window: the pixel values (low, high) shown black and white, None for the file's own window.
        review: the reader's opinion.
    """

    path: Path
    window: tuple[float, float] | None = None
    review: Review = NO_REVIEW


@dataclass(frozen=True)
class Offer:
    """What the window has to export.

    Attributes:
        scopes: the files by scope.
        choice: models, method and runtime.
        windows: window and level as the reader has set them, by file.
        ready: the comparison on screen, if it is complete; it is not computed anew.
        words: the text of the report's field "Impression", by file.
        reviews: the reader's opinion, by file.
        results: the results of the files that were analysed.
        errors: why a file could not be compared, by file.
        dicom: the files that are DICOM by content or, where they were not opened yet, by name.
        letterhead: institution, reader and logo of the report.
    """

    scopes: dict[Scope, list[Path]]
    choice: Choice
    windows: dict[Path, tuple[float, float]]
    ready: Compared | None
    words: dict[Path, str]
    reviews: dict[Path, Review]
    results: dict[Path, FileResult]
    errors: dict[Path, str]
    dicom: frozenset[Path]
    letterhead: Letterhead = NO_LETTERHEAD

    def items(self, scope: Scope) -> list[Item]:
        """Return the images of a scope."""
        return [Item(path, self.windows.get(path), self.reviews.get(path, NO_REVIEW)) for path in self.scopes[scope]]


def scopes(entries: Sequence[Entry], shown: Sequence[Entry], selected: Sequence[Path], current: Path | None
           ) -> dict[Scope, list[Path]]:  # fmt: skip
    """Return the files of each scope; those that failed belong to what was analysed, with their reasons."""
    return {
        Scope.THIS: [entry.path for entry in entries if entry.path == current and not entry.error],
        Scope.SELECTED: list(selected),
        Scope.SHOWN: [entry.path for entry in shown],
        Scope.DISAGREE: [
            entry.path for entry in entries if (found := entry.file_result) is not None and found.disagree
        ],
        Scope.ANALYSED: [entry.path for entry in entries if entry.state is not State.WAITING],
    }


def is_dicom(entry: Entry) -> bool:
    """Whether a file is DICOM, by its content where it was opened, else by its name."""
    if entry.file_result is not None:
        return entry.file_result.record.image.format == "DICOM"
    return entry.path.suffix.lower() in (".dcm", ".dicom")


class Source:
    """Compares the images of an export, with models of its own, one at a time; used from worker threads.

    Args:
        choice: models, method and runtime.
        ready: a comparison that is complete.
    """

    def __init__(self, choice: Choice, ready: Compared | None = None) -> None:
        self.choice = choice
        self._session = window_session(is_stopping=lambda: False)
        self._alone = threading.Lock()
        self._kept = Recent[Compared](COMPARISONS_KEPT)
        if ready is not None and ready.image is not None:
            self._kept.get(ready.image.path, lambda: ready)

    def examine(self, path: Path, stop: Stop, *, with_identity: bool = False) -> Compared:
        """Return the comparison on an image; one that can't be opened has its reason in its record.

        Args:
            path: the file.
            stop: asked between batches of forwards whether to go on.
            with_identity: whether the patient's identity is read.

        Raises:
            Interrupted: if it was stopped.
            UsageError: if a model is not installed.
            BundleError: if one is damaged.
        """
        with self._alone:
            found = self._kept.get(path, lambda: self._compare(path, stop))
        if with_identity and found.image is not None:
            try:
                image = read_image(path, with_identity=True)
            except ImageError as error:
                return Compared(failed_record(path, str(error)))
            return replace(found, image=replace(found.image, identity=image.identity))
        return found

    def forget_models(self) -> None:
        """Unload the models."""
        self._session.forget_models()

    def _compare(self, path: Path, stop: Stop) -> Compared:
        self._session.is_stopping = stop
        if stop():
            raise Interrupted
        try:
            image = self._session.open(path)
        except ImageError as error:
            return Compared(failed_record(path, str(error)))
        return self._session.finish(image, self.choice, repeats=REPEATS, remember=True)


def write_results(
    source: Source,
    items: Sequence[Item],
    words: dict[Path, str],
    wanted: Wanted,
    told: Told,
    stop: Stop,
    new_folder: Path | None = None,
) -> list[str]:
    """Compare images and write what is wanted of them.

    Args:
        source: compares.
        items: the images.
        words: the impressions, by file.
        wanted: what is written.
        told: called with how many are done, of how many, and an estimate of the seconds left, None for none yet.
        stop: asked whether to go on.
        new_folder: a folder that is made for them, or None where each place is in a folder that exists.

    Returns:
        Lines for a person.

    Raises:
        Interrupted: if it was stopped; tables and report are then not written, and earlier files of their names stay.
        TwinlensError: if a file can't be written, or a model can't be used.
    """
    if new_folder is not None:
        make_folder(new_folder)
    with Outputs(replace(wanted, task=source.choice.task), asdict(source.choice)) as outputs:
        started = time.perf_counter()
        for done, item in enumerate(items, 1):
            found = source.examine(item.path, stop, with_identity=wanted.with_identity)
            outputs.add(found, words.get(item.path, ""), item.window, item.review)
            if outputs.lost and not outputs.is_going:
                break
            if done == 1:  # its time tells nothing of the others: it loads the models, or is compared already
                started = time.perf_counter()
            left = None if done == 1 else (time.perf_counter() - started) / (done - 1) * (len(items) - done)
            told(done, len(items), left)
            if stop() and done < len(items):
                raise Interrupted
    if outputs.lost:
        raise outputs.lost[0]
    return outputs.remarks
