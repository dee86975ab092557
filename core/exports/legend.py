"""An overlay above its legend: whose heat map it is, for which class, the colour bar and the notice."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from core import NOTICE
from core.compare.comparison import ModelResult
from core.explain.overlays import heat_scale
from core.system.paths import package_fonts

SHORTEST = 560  # pixels of the longer side
Bytes = npt.NDArray[np.uint8]


def with_legend(pixels: Bytes, side: str, result: ModelResult) -> Bytes:
    """Return an overlay on white above its legend: whose map of which class it is, the colour bar, and the notice.

    Args:
        pixels: RGB, shape (H, W, 3); small ones are enlarged so that the legend can be read.
        side: ``teacher`` or ``student``.
        result: that model's prediction and heat map.
    """
    longest = max(pixels.shape[:2])
    if longest < SHORTEST:
        size = tuple(round(n * SHORTEST / longest) for n in pixels.shape[1::-1])
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    height, width = pixels.shape[:2]
    task, prediction, heat_map = result.bundle.card.described_task, result.prediction, result.heat_map
    assert heat_map is not None  # noqa: S101 - there is a map to explain
    whole = max(width, SHORTEST)
    size_px = whole // 36
    step = round(size_px * 1.5)
    sheet = Image.new("RGB", (whole + 2 * step, height + 6 * step), "white")
    sheet.paste(Image.fromarray(pixels), (step + (whole - width) // 2, step))
    pen, y = ImageDraw.Draw(sheet), height + round(1.5 * step)
    fonts = [ImageFont.truetype(package_fonts() / f"DejaVuSans{bold}.ttf", size_px) for bold in ("-Bold", "")]
    name = task.class_name(prediction.predicted)
    first = (
        f"{side.capitalize()} · {result.bundle.name}: {name} {100 * prediction.confidence:.1f} %"
        f"{' · not to be relied on' if prediction.is_out_of_distribution else ''}"
    )
    pen.text((step, y), first, "black", fonts[0])
    bar = Image.fromarray(heat_scale()).resize((whole, step // 2))
    sheet.paste(bar, (step, y + round(1.5 * step)))
    below = y + round(2.1 * step)
    pen.text((step, below), "low", "dimgrey", fonts[1])
    pen.text((step + whole, below), "high", "dimgrey", fonts[1], anchor="ra")
    pen.text(
        (step + whole // 2, below), f"evidence for {task.classes[heat_map.class_index].name}", "dimgrey", fonts[1], "ma"
    )
    pen.text((step, below + round(1.1 * step)), NOTICE, "black", fonts[1])
    return np.asarray(sheet, dtype=np.uint8)
