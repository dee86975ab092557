"""Text in a PDF: embedded fonts with wide Unicode cover, and text measured, shortened and broken into lines.

Right-to-left scripts are ordered by python-bidi and shaped by HarfBuzz.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import groupby
from typing import Any, Literal
from unicodedata import normalize

from core.reports.right_to_left import has_right_to_left, mark, pieces, unmarked
from core.system.paths import package_fonts

# DejaVu Sans covers Latin, Greek, Cyrillic, Arabic, Hebrew and symbols; Droid Sans Fallback Chinese, Japanese, Korean
REGULAR, BOLD, FALLBACK = "DejaVuSans", "DejaVuSans-Bold", "DroidSansFallback"
ELLIPSIS = "…"
LONGEST_LINE = 400  # characters looked at for one line, far more than fit
_PARTS = re.compile("[\u0300-\u036f\u1100-\u11ff\u3099\u309a]")  # combining marks, parts of Korean syllables
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
    r"""Return the text cut into pieces of one font each, (font name, piece), in the order in which it is spoken.

    A character that no font has is written as its code point, e.g. ``\u0930``, as in names of files; a line feed, tab
    or other control character is a space. Letters that were spelled with a mark or part after them are composed.
    """
    if _PARTS.search(text):
        text = normalize("NFC", text)
    main = BOLD if bold else REGULAR
    placed = [_placed(" " if ord(c) < 32 or 127 <= ord(c) < 160 else c, main) for c in text]
    return [(name, "".join(c for _, c in group)) for name, group in groupby(placed, key=lambda item: item[0])]


def _placed(character: str, main: str) -> tuple[str, str]:
    code = ord(character)
    if code < 0x10000:  # reportlab's subsets end there
        for name in (main, FALLBACK):
            if code in font(name).face.charToGlyph:
                return name, character
    return main, f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _laid_out(text: str, size: float, bold: bool) -> list[tuple[str, str]]:
    """Return the pieces of a line from left to right, (font name, piece), those of right-to-left scripts shaped."""
    if not has_right_to_left(text):
        return runs(unmarked(text), bold)
    from reportlab.pdfbase.ttfonts import shapeStr

    found: list[tuple[str, str]] = []
    for piece, is_right_to_left in pieces(text):
        if is_right_to_left:
            found += [(name, shapeStr(part, name, size, force=True)) for name, part in reversed(runs(piece, bold))]
        else:
            found += runs(piece, bold)
    return found


def _width(name: str, piece: str, size: float) -> float:
    shaped = getattr(piece, "__shapeData__", None)
    if shaped is None:
        return float(font(name).stringWidth(piece, size))
    return float(sum(glyph.x_advance for glyph in shaped) * size / 1000)


def width(text: str, size: float, bold: bool = False) -> float:
    """Return how wide a text is, in points."""
    return sum(_width(name, piece, size) for name, piece in _laid_out(text, size, bold))


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
    with _spoken(line, text):
        for name, piece in _laid_out(text, size, bold):
            line.setFont(name, size)
            line.textOut(piece)
    canvas.drawText(line)


@contextmanager
def _spoken(line: Any, text: str) -> Iterator[None]:  # noqa: ANN401 - reportlab has no types
    """Add the original text to what is drawn within, where order or letters differ, for copying and screen readers."""
    spelled = any(len(_placed(c, REGULAR)[1]) > 1 for c in text if c.isprintable())
    if not spelled and not has_right_to_left(text):
        yield
        return
    meant = unmarked(text).encode("utf-16", "replace").hex()
    line._code.append(f"/Span <</ActualText <{meant}>>> BDC")
    yield
    line._code.append("EMC")


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
    """Return the text broken into lines no wider than ``room`` points; its own line breaks are kept.

    Where a paragraph holds right-to-left letters, each of its lines begins with a mark of the side where it begins.
    """
    found = []
    for paragraph in text.splitlines() or [""]:
        side = mark(paragraph) if has_right_to_left(paragraph) else ""
        found += [
            side + line for line in _broken(paragraph, partial(_fits, size=size, room=room, bold=bold, side=side))
        ]
    return found


def _fits(line: str, size: float, room: float, bold: bool, side: str) -> bool:
    return width(side + line, size, bold) <= room


def _broken(paragraph: str, fits: Callable[[str], bool]) -> Iterator[str]:
    line = ""
    for word in filter(None, paragraph.split(" ")):  # a no-break space holds
        longer = f"{line} {word}" if line else word
        if len(longer) <= LONGEST_LINE and fits(longer):
            line = longer
            continue
        if line:
            yield line
        line = word
        while len(line) > 1 and not fits(line[:LONGEST_LINE]):  # a text without spaces
            kept = _fitting(line, fits)
            yield line[:kept]
            line = line[kept:]
    yield line


def _fitting(text: str, fits: Callable[[str], bool]) -> int:
    """Return how many of a text's first characters fit, at least 1."""
    return max(1, _most(min(len(text), LONGEST_LINE), lambda n: fits(text[:n])))
