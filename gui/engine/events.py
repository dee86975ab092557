"""What the engine's thread reports. Those with a ticket are of the image on screen that was asked for with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.compare.comparison import Comparison
from core.compare.session import Choice
from core.models.bundle import Bundle
from core.tasks import Task
from gui.engine.image_pyramid import ScreenPicture
from gui.engine.result import FileResult

WARMING_UP = 0  # the ticket while no image was asked for


@dataclass(frozen=True)
class LoadingModel:
    """A network is being loaded."""

    ticket: int
    network: str


@dataclass(frozen=True)
class ModelsReady:
    """Both models are loaded."""

    ticket: int
    task: Task
    teacher: Bundle
    student: Bundle


@dataclass(frozen=True)
class ImageOpened:
    """The image can be shown."""

    ticket: int
    picture: ScreenPicture


@dataclass(frozen=True)
class ComparisonGrown:
    """There are predictions, or better heat maps.

    Attributes:
        ticket: the image.
        comparison: as far as it has come.
        refining: whether its maps are still being refined.
    """

    ticket: int
    comparison: Comparison
    refining: bool


@dataclass(frozen=True)
class ImageFailed:
    """The image on screen could not be compared."""

    ticket: int
    path: Path
    reason: str


@dataclass(frozen=True)
class Warned:
    """Something could not be done, and the rest stands: the models at the start, or a heat map."""

    reason: str


@dataclass(frozen=True)
class FilePredicted:
    """There is a result for a file, of the screen or of "Analyse all"; it comes again when the heat maps are done."""

    path: Path
    file_result: FileResult
    choice: Choice


@dataclass(frozen=True)
class FileCompared:
    """Nothing more comes for a file.

    Attributes:
        path: the file.
        file_result: its result.
        comparison: as far as it came.
        choice: what was compared.
    """

    path: Path
    file_result: FileResult
    comparison: Comparison
    choice: Choice


@dataclass(frozen=True)
class FileUnreadable:
    """A file can't be opened, whatever the models."""

    path: Path
    reason: str


@dataclass(frozen=True)
class FileFailed:
    """A file could not be compared by the models that were chosen."""

    path: Path
    reason: str
    choice: Choice


@dataclass(frozen=True)
class BatchProgress:
    """How far "Analyse all" has come.

    Attributes:
        done: files finished, failed ones among them.
        total: files asked for.
        paused: whether it waits until it is resumed.
        seconds_left: estimate from the files so far, or None while there is none.
        order: grows with each of them, so that one that comes late can be told.
        failed: how many of those finished failed.
        preparing: the network that is being loaded, and converted where that is needed; empty while none is.
    """

    done: int
    total: int
    paused: bool
    seconds_left: float | None
    order: int = 0
    failed: int = 0
    preparing: str = ""

    @property
    def running(self) -> bool:
        """Whether files are left."""
        return self.done < self.total


@dataclass(frozen=True)
class BatchStopped:
    """The models can't be used, so that no file could be compared."""

    reason: str


@dataclass(frozen=True)
class Fault:
    """An error that nobody expected; the work goes on."""

    error: Exception


Event = (
    LoadingModel | ModelsReady | ImageOpened | ComparisonGrown | ImageFailed | Warned | FilePredicted | FileCompared
    | FileUnreadable | FileFailed | BatchProgress | BatchStopped | Fault
)  # fmt: skip
