"""What is taken away: which images, compared anew where they have no maps yet, and written. Knows no widgets."""

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
from core.system.atomic_files import make_folder
from gui.engine.result import Verdict
from gui.engine.session import REPEATS, window_session
from gui.worklist.model import Entry, State

KEPT = 3  # comparisons kept in memory, so that turning the preview's pages back costs nothing

Stop = Callable[[], bool]
Told = Callable[[int, int, float | None], object]  # done, total, seconds left where they can be estimated


class Scope(StrEnum):
    """Which images are taken away."""

    THIS = "this"
    SELECTED = "selected"
    SHOWN = "shown"
    DISAGREE = "disagree"
    ANALYSED = "analysed"


@dataclass(frozen=True)
class Item:
    """One image to be taken away.

    Attributes:
        path: the file.
        window: the pixel values spread over the scale of grey, None for the file's own way of showing itself.
        review: what the reader thinks of both answers.
    """

    path: Path
    window: tuple[float, float] | None = None
    review: Review = NO_REVIEW


@dataclass(frozen=True)
class Offer:
    """What the window has to take away.

    Attributes:
        scopes: the files by scope.
        choice: what compares.
        windows: how the person has set window and level, by file.
        ready: what is on screen, if it is complete, so that it need not be compared anew.
        words: what goes into the field "Impression" of a file's page.
        reviews: what the reader thinks of both answers, by file.
        verdicts: what both models said, by file, of those that were analysed.
        errors: why a file could not be compared, by file.
        dicom: the files that are known to be DICOM, or are called so.
    """

    scopes: dict[Scope, list[Path]]
    choice: Choice
    windows: dict[Path, tuple[float, float]]
    ready: Compared | None
    words: dict[Path, str]
    reviews: dict[Path, Review]
    verdicts: dict[Path, Verdict]
    errors: dict[Path, str]
    dicom: frozenset[Path]

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
        Scope.DISAGREE: [entry.path for entry in entries if entry.verdict is not None and entry.verdict.disagree],
        Scope.ANALYSED: [entry.path for entry in entries if entry.state is not State.WAITING],
    }


def is_dicom(entry: Entry) -> bool:
    """Whether a file is DICOM, by its content where it was opened, else by its name."""
    if entry.verdict is not None:
        return entry.verdict.record.image.format == "DICOM"
    return entry.path.suffix.lower() in (".dcm", ".dicom")


class Source:
    """Compares what is taken away, with models of its own, one image at a time; used from worker threads.

    Args:
        choice: what compares.
        ready: a comparison that is complete.
    """

    def __init__(self, choice: Choice, ready: Compared | None = None) -> None:
        self.choice = choice
        self._session = window_session(is_stopping=lambda: False)
        self._alone = threading.Lock()
        self._kept = Recent[Compared](KEPT)
        if ready is not None and ready.image is not None:
            self._kept.get(ready.image.path, lambda: ready)

    def examine(self, path: Path, stop: Stop, *, with_identity: bool = False) -> Compared:
        """Return an image with what both models say of it; one that can't be opened has its reason in its record.

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

    def _compare(self, path: Path, stop: Stop) -> Compared:
        self._session.is_stopping = stop
        if stop():
            raise Interrupted
        try:
            image = self._session.open(path)
        except ImageError as error:
            return Compared(failed_record(path, str(error)))
        return self._session.finish(image, self.choice, repeats=REPEATS, remember=True)


def take(
    source: Source, items: Sequence[Item], words: dict[Path, str], wanted: Wanted, told: Told, stop: Stop
) -> list[str]:
    """Compare images and write what is wanted of them.

    Args:
        source: who compares.
        items: the images.
        words: the impressions, by file.
        wanted: what is written.
        told: hears how many are done, of how many, and an estimate of the seconds left, if there is one.
        stop: asked whether to go on.

    Returns:
        Lines for a person.

    Raises:
        Interrupted: if it was stopped; tables and report are then not there, nor is what was under their names lost.
        TwinlensError: if a file can't be written, or a model not be used.
    """
    for path in wanted.places.values():
        make_folder(path.parent)
    with Outputs(replace(wanted, task=source.choice.task), asdict(source.choice)) as outputs:
        started = time.perf_counter()
        for done, item in enumerate(items, 1):
            found = source.examine(item.path, stop, with_identity=wanted.with_identity)
            outputs.add(found, words.get(item.path, ""), item.window, item.review)
            if outputs.lost and not outputs.is_going:
                break
            if done == 1:  # it may have been compared before, or had the models loaded: it tells nothing of the others
                started = time.perf_counter()
            left = None if done == 1 else (time.perf_counter() - started) / (done - 1) * (len(items) - done)
            told(done, len(items), left)
            if stop() and done < len(items):
                raise Interrupted
    if outputs.lost:
        raise outputs.lost[0]
    return outputs.remarks
