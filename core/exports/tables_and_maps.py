"""What is taken away as data: CSV, JSON lines, overlays as PNG, heat maps as NumPy and TIFF; see docs/exports.md."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from core import NOTICE
from core.compare.comparison import Answer, Comparison
from core.compare.figures import as_dict, cells, columns
from core.compare.record import ComparisonRecord, ExportRecord, Reading, prediction_record
from core.explain.heatmap import HeatMap
from core.explain.overlays import heat_scale, overlay, shown
from core.images.medical_image import MedicalImage
from core.records.history import COLUMNS
from core.system.atomic_files import bytes_written_whole, make_folder, written_whole
from core.system.output_names import RECORD, SIDES, picture_stem
from core.system.paths import package_fonts
from core.tasks import TASKS, get_task

PICTURES = frozenset({"overlay", "legend", "npy", "tiff"})  # what can be written of each model's map
LONGEST, SHORTEST = 2048, 560  # pixels of an overlay's longer side
TIFF_DESCRIPTION = 270

Bytes = npt.NDArray[np.uint8]


class CsvTable:
    """Writes records as rows; the columns are those of one task, or of all where the task is told from each image."""

    def __init__(self, file: TextIO, task: str | None) -> None:
        tasks = TASKS.values() if task is None else [get_task(task)]
        labels = tuple(label for known in tasks for label in known.class_ids)
        names = [column.name for column in columns(ComparisonRecord, Reading, keys=labels)]
        self._writer = csv.DictWriter(file, [*names, "notice"])
        self._writer.writeheader()

    def add(self, exported: ExportRecord) -> None:
        """Write one record; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
        row = {**dict(cells(exported.record)), **dict(cells(exported.reading)), "notice": NOTICE}
        self._writer.writerow({name: safe_cell(value) for name, value in row.items()})


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet runs as a formula (OWASP, "CSV injection"); numbers stay as they are."""
    risky = isinstance(value, str) and value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{value}" if risky else value


def write_history(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write records of the history as a table with its columns; answers and settings are JSON in their cells.

    Raises:
        WriteError: if it can't be written.
    """
    with written_whole(path) as file:
        table = csv.writer(file)
        table.writerow([*COLUMNS, "notice"])
        for row in rows:
            plain = {**row, **{name: json.dumps(row[name], ensure_ascii=False) for name in ("answers", "settings")}}
            table.writerow([*(safe_cell(plain[name]) for name in COLUMNS), NOTICE])


class JsonLines:
    """Writes records as JSON, one a line, each with the notice."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def add(self, exported: ExportRecord) -> None:
        """Write one record."""
        self._file.write(json.dumps(exported.as_dict(), ensure_ascii=False) + "\n")


class PictureFolder:
    """Writes the overlays and raw heat maps of each image, and its record, into a folder.

    Args:
        folder: the folder; made if it is not there.
        hide_names: whether files are called by a number alone.
        kinds: which of ``PICTURES`` are written.

    Raises:
        WriteError: if it can't be made.
    """

    def __init__(self, folder: Path, *, hide_names: bool = False, kinds: frozenset[str] = PICTURES) -> None:
        self._folder = make_folder(folder)
        self._kinds = kinds
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

        For each model with a map: ``…-teacher.png`` (the overlay), ``…-teacher-legend.png`` (with answer and colour
        bar), ``…-teacher.npy`` and ``…-teacher.tiff`` (the map as float32 in [0, 1], at its layer's resolution). Then
        ``….json`` with the record.

        Args:
            image: the opened image.
            comparison: what both models say about it.
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
        for side, answer in zip(SIDES, (comparison.teacher, comparison.student), strict=True):
            if answer.heat_map is None:
                continue
            pixels = overlay(picture, answer.heat_map)
            about = {"notice": NOTICE, "image_sha256": image.digest, "side": side, **as_dict(prediction_record(answer))}
            files: dict[str, tuple[str, Callable[[], bytes]]] = {
                "overlay": (f"{side}.png", partial(_png, pixels, about)),
                "legend": (f"{side}-legend.png", partial(_legend_png, pixels, side, answer, about)),
                "npy": (f"{side}.npy", partial(_npy, answer.heat_map)),
                "tiff": (f"{side}.tiff", partial(_tiff, answer.heat_map, about)),
            }
            for kind, (ending, encoded) in files.items():
                if kind in self._kinds:
                    written.append(stem.with_name(f"{stem.name}-{ending}"))
                    with bytes_written_whole(written[-1]) as file:
                        file.write(encoded())
        return written


def with_legend(pixels: Bytes, side: str, answer: Answer) -> Bytes:
    """Return an overlay on white above its legend: whose map of which class it is, the colour bar, and the notice.

    Args:
        pixels: RGB, shape (H, W, 3); small ones are enlarged so that the legend can be read.
        side: ``teacher`` or ``student``.
        answer: what that model says.
    """
    longest = max(pixels.shape[:2])
    if longest < SHORTEST:
        size = tuple(round(n * SHORTEST / longest) for n in pixels.shape[1::-1])
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    height, width = pixels.shape[:2]
    task, said, found = get_task(answer.bundle.card.task), answer.prediction, answer.heat_map
    assert found is not None  # noqa: S101 - there is a map to explain
    whole = max(width, SHORTEST)
    size_px = whole // 36
    step = round(size_px * 1.5)
    sheet = Image.new("RGB", (whole + 2 * step, height + 6 * step), "white")
    sheet.paste(Image.fromarray(pixels), (step + (whole - width) // 2, step))
    pen, y = ImageDraw.Draw(sheet), height + round(1.5 * step)
    fonts = [ImageFont.truetype(package_fonts() / f"DejaVuSans{bold}.ttf", size_px) for bold in ("-Bold", "")]
    says = (
        f"{side.capitalize()} · {answer.bundle.name}: {task.class_name(said.predicted)} {100 * said.confidence:.1f} %"
        f"{' · not to be relied on' if said.is_refused else ''}"
    )
    pen.text((step, y), says, "black", fonts[0])
    bar = Image.fromarray(heat_scale()).resize((whole, step // 2))
    sheet.paste(bar, (step, y + round(1.5 * step)))
    below = y + round(2.1 * step)
    pen.text((step, below), "low", "dimgrey", fonts[1])
    pen.text((step + whole, below), "high", "dimgrey", fonts[1], anchor="ra")
    pen.text(
        (step + whole // 2, below), f"speaks for {task.classes[found.class_index].name}", "dimgrey", fonts[1], "ma"
    )
    pen.text((step, below + round(1.1 * step)), NOTICE, "black", fonts[1])
    return np.asarray(sheet, dtype=np.uint8)


def _legend_png(pixels: Bytes, side: str, answer: Answer, about: dict[str, Any]) -> bytes:
    return _png(with_legend(pixels, side, answer), about)


def _png(pixels: Bytes, about: dict[str, Any]) -> bytes:
    notes = PngInfo()
    notes.add_itxt("Description", json.dumps(about, ensure_ascii=False))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def _npy(heat_map: HeatMap) -> bytes:
    file = io.BytesIO()
    np.save(file, heat_map.values.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def _tiff(heat_map: HeatMap, about: dict[str, Any]) -> bytes:
    tags = ImageFileDirectory_v2()
    tags[TIFF_DESCRIPTION] = json.dumps(about)
    file = io.BytesIO()
    Image.fromarray(heat_map.values.astype(np.float32)).save(file, "TIFF", tiffinfo=tags)
    return file.getvalue()
