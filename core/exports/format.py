"""What an export format is: its name, and how one image after another is written. Each is a file of ``formats``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from core.compare.comparison import Comparison
from core.compare.record import ExportRecord
from core.images.medical_image import MedicalImage
from core.reports.layout import PaperSize
from core.reports.letterhead import NO_LETTERHEAD, Letterhead


@dataclass(frozen=True)
class Wanted:
    """What is to be written, and how.

    Attributes:
        places: the file or folder of each format that is wanted, by the format's identifier.
        task: the task of all images, or None where each image tells it.
        paper: the report's paper.
        letterhead: institution, reader and logo on the report.
        impression: free text for each of its pages.
        pictures: which files of each heat map are written, identifiers of ``core.exports.formats.heat_maps.PICTURES``;
            None for all.
        hide_names: whether images are called by numbers in place of their files' names.
        with_identity: whether the patient's identity is carried into report and DICOM results.
        with_hidden: whether report, pictures and DICOM results hold the predictions for images that are not
            assessable. Tables and records always do: their column ``novel`` marks them.
        labelled: whether both models are scored against the labels that a ``manifest.csv`` or the names of the images'
            folders state (``core.compare.ground_truth``).
        history: whether the comparisons are recorded in the history.
    """

    places: Mapping[str, Path] = field(default_factory=dict)
    task: str | None = None
    paper: PaperSize = "A4"
    letterhead: Letterhead = NO_LETTERHEAD
    impression: str = ""
    pictures: frozenset[str] | None = None
    hide_names: bool = False
    with_identity: bool = False
    with_hidden: bool = False
    labelled: bool = False
    history: bool = False


@dataclass(frozen=True)
class Result:
    """One file of a batch, as it is written.

    Attributes:
        path: the file.
        exported: its record, with its name hidden if that is wanted.
        image: the opened image, None where it can't be opened.
        shown: the comparison less what is withheld, None where the image can't be opened.
        window: the pixel values spread over the scale of grey; None for the file's own way of showing itself.
    """

    path: Path
    exported: ExportRecord
    image: MedicalImage | None
    shown: Comparison | None
    window: tuple[float, float] | None = None


Write = Callable[[Result], object]


@dataclass(frozen=True)
class ExportFormat:
    """A format that results can be written in.

    Attributes:
        id: its name in ``Wanted.places`` and on the command line.
        title: its name in the window.
        tip: what it holds, in a line.
        name: what its file or folder is called among others in a new folder.
        open: begins to write to a place and gives what writes one result; the context ends when all are written, and
            what was begun is discarded if it ends by an error.
        for_dicom: whether it can hold DICOM images only.
    """

    id: str
    title: str
    tip: str
    name: str
    open: Callable[[Path, Wanted], AbstractContextManager[Write]]
    for_dicom: bool = False
