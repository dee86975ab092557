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

Record = dict[str, Any]
Bytes = npt.NDArray[np.uint8]

_ANSWER = ("model", "model_sha256", "predicted", "latency_ms", "total_ms", "runtime", "device", "precision", "novel")
_NOVELTY = ("score", "threshold", "reason")
_CAM = ("class", "layer", "method", "maps_scored", "maps_total", "estimated_error", "seconds")
_AGREEMENT = ("same_class", "js_divergence", "cam_pearson", "cam_iou20", "speed_ratio", "size_ratio")
_IMAGE = (
    "sha256", "format", "modality", "width", "height", "bits", "row_spacing_mm", "column_spacing_mm", "shown_low",
    "shown_high",
)  # fmt: skip
_CARD = (
    "parameters", "storage", "made_by", "made_on", "temperature", "preprocessing", "test_dataset", "test_images",
    "test_accuracy", "test_macro_f1", "test_ece", "test_caution",
)  # fmt: skip
_READER = ("label", "verdict", "note", "impression")


class CsvTable:
    """Writes records as rows; the columns are those of one task, or of all where the task is told from each image."""

    def __init__(self, file: TextIO, task: str | None) -> None:
        tasks = TASKS.values() if task is None else [get_task(task)]
        columns = ["path", *(f"image_{name}" for name in _IMAGE), "task", *_READER]
        for side in SIDES:
            columns += [f"{side}_{name}" for name in _ANSWER]
            columns += [f"{side}_novelty_{name}" for name in _NOVELTY] + [f"{side}_plausible"]
            columns += [f"{side}_p_{label}" for t in tasks for label in t.class_ids]
            columns += [f"{side}_cam_{name}" for name in _CAM]
            columns += [f"{side}_{name}" for name in _CARD]
        columns += [*_AGREEMENT, "notices", "error", "notice"]
        self._writer = csv.DictWriter(file, columns, extrasaction="ignore")
        self._writer.writeheader()

    def add(self, record: Record) -> None:
        """Write one record; a text that a spreadsheet would take for a formula gets an apostrophe before it."""
        row: Record = {key: record[key] for key in ("path", "task", "error")}
        row |= {name: record.get(name) for name in _READER}
        row |= {f"image_{name}": value for name, value in (record["image"] or {}).items()}
        for side in SIDES:
            answer = record[side] or {}
            row |= {f"{side}_{name}": answer.get(name) for name in _ANSWER}
            row |= {f"{side}_p_{label}": p for label, p in answer.get("probabilities", {}).items()}
            row |= {f"{side}_novelty_{name}": value for name, value in (answer.get("novelty") or {}).items()}
            row[f"{side}_plausible"] = " ".join(answer.get("plausible") or ())
            row |= {f"{side}_cam_{name}": value for name, value in (answer.get("cam") or {}).items()}
            row |= {f"{side}_{name}": value for name, value in answer.get("card", {}).items()}
        row |= {**(record["agreement"] or {}), "notices": " ".join(record["notices"]), "notice": NOTICE}
        self._writer.writerow({name: safe_cell(value) for name, value in row.items()})


def safe_cell(value: object) -> object:
    """Return a cell that no spreadsheet runs as a formula (OWASP, "CSV injection"); numbers stay as they are."""
    risky = isinstance(value, str) and value.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{value}" if risky else value


def write_history(path: Path, rows: Iterable[Record]) -> None:
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

    def add(self, record: Record) -> None:
        """Write one record."""
        self._file.write(json.dumps({**record, "notice": NOTICE}, ensure_ascii=False) + "\n")


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
        self, image: MedicalImage, comparison: Comparison, record: Record, window: tuple[float, float] | None = None
    ) -> list[Path]:  # fmt: skip
        """Write the files of one image and return them.

        For each model whose map is known well enough to be drawn: ``…-teacher.png`` (the overlay),
        ``…-teacher-legend.png`` (with answer and colour bar), ``…-teacher.npy`` and ``…-teacher.tiff`` (the map as
        float32 in [0, 1], at its layer's resolution). Then ``….json`` with the record.

        Args:
            image: the opened image.
            comparison: what both models say about it.
            record: the same as plain values.
            window: the pixel values spread over the scale of grey; by default the file's own way of showing itself.

        Raises:
            WriteError: if a file can't be written, e.g. because the disk is full.
        """
        self._count += 1
        stem = self._folder / picture_stem(self._count, None if self._hide_names else image.path)
        written = [stem.with_name(stem.name + RECORD)]
        with written_whole(written[0]) as text:
            JsonLines(text).add(record)
        picture = shown(image, window, LONGEST)
        for side, answer in zip(SIDES, (comparison.teacher, comparison.student), strict=True):
            found = answer.drawn_map
            if found is None:
                continue
            pixels = overlay(picture, found)
            about = {"notice": NOTICE, "image_sha256": image.digest, "side": side, **answer.as_dict()}
            files: dict[str, tuple[str, Callable[[], bytes]]] = {
                "overlay": (f"{side}.png", partial(_png, pixels, about)),
                "legend": (f"{side}-legend.png", partial(_legend_png, pixels, side, answer, about)),
                "npy": (f"{side}.npy", partial(_npy, found)),
                "tiff": (f"{side}.tiff", partial(_tiff, found, about)),
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


def _legend_png(pixels: Bytes, side: str, answer: Answer, about: Record) -> bytes:
    return _png(with_legend(pixels, side, answer), about)


def _png(pixels: Bytes, about: Record) -> bytes:
    notes = PngInfo()
    notes.add_itxt("Description", json.dumps(about, ensure_ascii=False))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", pnginfo=notes)
    return file.getvalue()


def _npy(heat_map: HeatMap) -> bytes:
    file = io.BytesIO()
    np.save(file, heat_map.values.astype(np.float32), allow_pickle=False)
    return file.getvalue()


def _tiff(heat_map: HeatMap, about: Record) -> bytes:
    tags = ImageFileDirectory_v2()
    tags[TIFF_DESCRIPTION] = json.dumps(about)
    file = io.BytesIO()
    Image.fromarray(heat_map.values.astype(np.float32)).save(file, "TIFF", tiffinfo=tags)
    return file.getvalue()
