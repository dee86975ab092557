"""Overlays and raw heat maps of each image in a folder, and its record."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from core import NOTICE
from core.compare.comparison import Comparison, ModelResult
from core.compare.figures import as_dict
from core.compare.record import ExportRecord, prediction_record
from core.explain.heatmap import HeatMap
from core.explain.overlays import overlay, shown
from core.exports.format import ExportFormat, Result, Wanted, Write
from core.exports.formats.json_lines import JsonLines
from core.exports.legend import with_legend
from core.images.medical_image import MedicalImage
from core.system.atomic_files import bytes_written_whole, make_folder, written_whole
from core.system.output_names import RECORD, SIDES, picture_stem

LONGEST = 2048  # pixels of an overlay's longer side
TIFF_DESCRIPTION = 270


@dataclass(frozen=True)
class _Drawn:
    """One model's heat map over the image.

    Attributes:
        side: ``teacher`` or ``student``.
        result: the model's prediction and heat map.
        heat_map: its heat map.
        pixels: the overlay, RGB, shape (H, W, 3), uint8.
        about: what is written into a file that can hold a description.
    """

    side: str
    result: ModelResult
    heat_map: HeatMap
    pixels: npt.NDArray[np.uint8]
    about: dict[str, object]


@dataclass(frozen=True)
class PictureKind:
    """A file that can be written of a heat map.

    Attributes:
        title: its name in the window.
        tip: what it holds.
        ending: how its file's name ends.
        encoded: returns its content.
    """

    title: str
    tip: str
    ending: str
    encoded: Callable[[_Drawn], bytes]


class PictureFolder:
    """Writes the overlays and raw heat maps of each image, and its record, into a folder.

    Args:
        folder: the folder; made if it is not there.
        hide_names: whether files are called by a number alone.
        kinds: which of ``PICTURES`` are written; None for all.

    Raises:
        WriteError: if it can't be made.
    """

    def __init__(self, folder: Path, *, hide_names: bool = False, kinds: frozenset[str] | None = None) -> None:
        self._folder = make_folder(folder)
        self._kinds = [kind for kind in PICTURES if kinds is None or kind in kinds]
        self._hide_names = hide_names
        self._count = 0

    def add(
        self,
        image: MedicalImage,
        comparison: Comparison,
        exported: ExportRecord,
        window: tuple[float, float] | None = None,
    ) -> list[Path]:
        """Write the files of one image and return them.

        For each model whose map is known: ``…-teacher.png`` (the overlay), ``…-teacher-legend.png`` (with prediction
        and colour bar), ``…-teacher.npy`` and ``…-teacher.tiff`` (the map as float32 in [0, 1], at its layer's
        resolution). Then ``….json`` with the record.

        Args:
            image: the opened image.
            comparison: both models on it.
            exported: its record.
            window: the pixel values spread over the scale of grey; by default the file's own way of showing itself.

        Raises:
            WriteError: if a file can't be written, e.g. because the disk is full.
        """
        self._count += 1
        stem = self._folder / picture_stem(self._count, None if self._hide_names else image.path)
        written = [stem.with_name(stem.name + RECORD)]
        with written_whole(written[0]) as text:
            JsonLines(text).add(exported)
        picture = shown(image, window, LONGEST)
        for side, result in zip(SIDES, (comparison.teacher, comparison.student), strict=True):
            if result.drawn_map is None:
                continue
            about = {"notice": NOTICE, "image_sha256": image.digest, "side": side, **as_dict(prediction_record(result))}
            one = _Drawn(side, result, result.drawn_map, overlay(picture, result.drawn_map), about)
            for kind in self._kinds:
                written.append(stem.with_name(f"{stem.name}-{side}{PICTURES[kind].ending}"))
                with bytes_written_whole(written[-1]) as file:
                    file.write(PICTURES[kind].encoded(one))
        return written


def _overlay_png(drawn: _Drawn) -> bytes:
    return png(drawn.pixels, drawn.about)


def _legend_png(drawn: _Drawn) -> bytes:
    return png(with_legend(drawn.pixels, drawn.side, drawn.result), drawn.about)


def png(pixels: npt.NDArray[np.uint8], about: dict[str, object]) -> bytes:
    """Return RGB pixels as a PNG file whose description is ``about``."""
    notes = PngInfo()
    notes.add_itxt("Description", json.dumps(about, ensure_ascii=False))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def _npy(drawn: _Drawn) -> bytes:
    file = io.BytesIO()
    np.save(file, drawn.heat_map.values.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def _tiff(drawn: _Drawn) -> bytes:
    tags = ImageFileDirectory_v2()
    tags[TIFF_DESCRIPTION] = json.dumps(drawn.about)
    file = io.BytesIO()
    Image.fromarray(drawn.heat_map.values.astype(np.float32)).save(file, "TIFF", tiffinfo=tags)
    return file.getvalue()


@contextmanager
def _open(place: Path, wanted: Wanted) -> Iterator[Write]:
    folder = PictureFolder(place, hide_names=wanted.hide_names, kinds=wanted.pictures)

    def write(result: Result) -> None:
        if result.image is not None and result.shown is not None:
            folder.add(result.image, result.shown, result.exported, result.window)

    yield write


_FILE = "One file for each model and image, in the folder maps"
_RAW = "The heat map as float32 in [0, 1], at the resolution of its layer"
PICTURES = {
    "overlay": PictureKind("Overlays (PNG)", _FILE, ".png", _overlay_png),
    "legend": PictureKind("Overlays with legend (PNG)", _FILE, "-legend.png", _legend_png),
    "npy": PictureKind("Raw heat maps (NumPy)", _RAW, ".npy", _npy),
    "tiff": PictureKind("Raw heat maps (TIFF)", _RAW, ".tiff", _tiff),
}
FORMAT = ExportFormat("maps", "Heat maps", "Overlays and raw heat maps, and a record for each image", "maps", _open)
