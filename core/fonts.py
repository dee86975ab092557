"""Text in a PDF: embedded fonts with wide Unicode cover, and text measured, shortened and broken into lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from typing import Any, Literal

from core.folders import package_fonts

# DejaVu Sans covers Latin, Greek, Cyrillic, Arabic, Hebrew and symbols; Droid Sans Fallback Chinese, Japanese, Korean
REGULAR, BOLD, FALLBACK = "DejaVuSans", "DejaVuSans-Bold", "DroidSansFallback"
MISSING = "□"  # stands for a character that no font has, so that nothing vanishes silently
ELLIPSIS = "…"
LONGEST_LINE = 400  # characters looked at for one line, far more than fit
Align = Literal["left", "right", "centre"]
Rgb = tuple[float, float, float]


@cache
def font(name: str) -> Any:  # noqa: ANN401 - reportlab has no types
    """Return one of the fonts, registered with reportlab."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    loaded = TTFont(name, str(package_fonts() / f"{name}.ttf"))
    pdfmetrics.registerFont(loaded)
    return loaded


def runs(text: str, bold: bool = False) -> list[tuple[str, str]]:
    """Return the text cut into pieces of one font each, (font name, piece).

    A character that no font has is replaced by ``□``; a line feed, tab or other control character by a space.
    """
    main = BOLD if bold else REGULAR
    placed = [_placed(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c, main) for c in text]
    return [(name, "".join(c for _, c in group)) for name, group in groupby(placed, key=lambda item: item[0])]


def _placed(character: str, main: str) -> tuple[str, str]:
    if ord(character) < 0x10000:  # reportlab's subsets end there
        for name in (main, FALLBACK):
            if ord(character) in font(name).face.charToGlyph:
                return name, character
    return main, MISSING


def width(text: str, size: float, bold: bool = False) -> float:
    """Return how wide a text is, in points."""
    return float(sum(font(name).stringWidth(piece, size) for name, piece in runs(text, bold)))


def draw(
    canvas: Any,  # noqa: ANN401 - reportlab has no types
    x: float,
    y: float,
    text: str,
    size: float,
    bold: bool = False,
    colour: Rgb = (0, 0, 0),
    align: Align = "left",
) -> None:
    """Draw a line of text with its baseline at y and its left end, right end or middle at x."""
    x -= {"left": 0.0, "right": 1.0, "centre": 0.5}[align] * (0 if align == "left" else width(text, size, bold))
    canvas.setFillColorRGB(*colour)
    line = canvas.beginText(x, y)
    for name, piece in runs(text, bold):
        line.setFont(name, size)
        line.textOut(piece)
    canvas.drawText(line)


def shortened(text: str, size: float, room: float, bold: bool = False) -> str:
    """Return the text, with an ellipsis in its middle if it is wider than ``room`` points."""
    if width(text, size, bold) <= room:
        return text
    return _cut(text, _most(len(text), lambda n: width(_cut(text, n), size, bold) <= room))


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """Return the largest number up to ``limit`` that fits, found by halving, or 0."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _cut(text: str, kept: int) -> str:
    head = (kept + 1) // 2
    return text[:head] + ELLIPSIS + (text[len(text) - (kept - head) :] if kept > head else "")


def lines(text: str, size: float, room: float, bold: bool = False) -> list[str]:
    """Return the text broken into lines no wider than ``room`` points; its own line breaks are kept."""
    return [line for paragraph in text.splitlines() or [""] for line in _broken(paragraph, size, room, bold)]


def _broken(paragraph: str, size: float, room: float, bold: bool) -> Iterator[str]:
    line = ""
    for word in filter(None, paragraph.split(" ")):  # a no-break space holds
        longer = f"{line} {word}" if line else word
        if len(longer) <= LONGEST_LINE and width(longer, size, bold) <= room:
            line = longer
            continue
        if line:
            yield line
        line = word
        while len(line) > 1 and width(line[:LONGEST_LINE], size, bold) > room:  # a text without spaces
            fits = _fitting(line, size, room, bold)
            yield line[:fits]
            line = line[fits:]
    yield line


def _fitting(text: str, size: float, room: float, bold: bool) -> int:
    """Return how many of a text's first characters fit, at least 1."""
    return max(1, _most(min(len(text), LONGEST_LINE), lambda n: width(text[:n], size, bold) <= room))
