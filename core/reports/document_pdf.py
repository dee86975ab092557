"""The blocks of a page drawn on sheets: text and tables over as many pages as they take, and reliability diagrams."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import assert_never

from core.reports.document import (
    CONFIDENCE_AXIS,
    RELIABILITY_CAPTION,
    RIGHT_AXIS,
    TICKS,
    Block,
    Caution,
    Curve,
    Entries,
    Entry,
    Facts,
    Heading,
    Items,
    Paragraph,
    Reliability,
    Table,
    dot,
)
from core.reports.layout import GAP, GREY, INK, RULE, SMALL, TEXT, TITLE, Sheets
from core.reports.text import ELLIPSIS, Align, Rgb, draw, lines, width

NAMES, NUMBERS, BULLET = 104.0, 28.0, 10.0  # points that facts, items of a checklist and items are indented by
STATES = 96.0  # points that the state of a checklist's item takes at the right
STEP = 1.35  # of a line, in sizes of its letters
SIDE, AXIS = 176.0, 30.0  # points of a diagram, and of the words at its left and below
UNSPLIT = 240.0  # points up to which a table or an item of a checklist is not split over two pages
MOST_LINES = 9  # of a cell of a table
BEGINNING = 300.0  # points that the heading of a data set, its caution and first table take


def draw_blocks(sheets: Sheets, blocks: Sequence[Block], accent: Rgb) -> None:
    """Draw blocks below each other; texts are drawn letter by letter, so that none can mark anything up.

    Args:
        sheets: a page has begun.
        blocks: the blocks.
        accent: colour of the dots of diagrams.
    """
    for block, after in zip_longest(blocks, blocks[1:]):
        match block:
            case Heading(1, text):
                sheets.y -= 6
                sheets.paragraph(text, TITLE - 1, bold=True)
            case Heading(2, text):
                sheets.heading(text, BEGINNING if isinstance(after, Heading) else 24)
            case Heading(_, text):
                sheets.need(BEGINNING)
                sheets.y -= 4
                sheets.paragraph(text, bold=True)
            case Paragraph(text, strong):
                sheets.paragraph(text, bold=strong)
            case Caution(text):
                sheets.y -= 6
                sheets.warning(f"Caution: {text}")
            case Items(texts):
                for text in texts:
                    _hanging(sheets, "•", text, BULLET)
            case Facts(rows):
                for name, text in rows:
                    _hanging(sheets, name, text, NAMES)
            case Table():
                _table(sheets, block)
            case Entries(entries):
                for entry in entries:
                    _entry(sheets, entry)
            case Reliability(curves):
                _diagrams(sheets, curves, accent)
                _table(sheets, block.table())
            case _:
                assert_never(block)


def _entry(sheets: Sheets, entry: Entry) -> None:
    """Draw a text under its topic, which has its number at the left and its state at the right."""
    step, indent = TEXT * STEP, NUMBERS if entry.number else 0
    topic = lines(entry.topic, TEXT, sheets.room - indent - (STATES if entry.state else 0), bold=True)
    text = lines(entry.text, TEXT, sheets.room - indent)
    whole = 4 + step * (len(topic) + len(text))
    sheets.need(whole if whole <= UNSPLIT else 4 + step * (len(topic) + 1))
    sheets.y -= 4
    for i, line in enumerate(topic):
        sheets.y -= step
        if i == 0:
            sheets.text(sheets.left, sheets.y, entry.number, colour=GREY)
            sheets.text(sheets.right, sheets.y, entry.state, SMALL, colour=GREY, align="right")
        sheets.text(sheets.left + indent, sheets.y, line, bold=True)
    for line in text:
        sheets.need(step)
        sheets.y -= step
        sheets.text(sheets.left + indent, sheets.y, line)


def _hanging(sheets: Sheets, name: str, text: str, indent: float) -> None:
    """Draw a text with its name at its left."""
    for i, line in enumerate(lines(text, TEXT, sheets.room - indent)):
        sheets.need(TEXT * STEP)
        sheets.y -= TEXT * STEP
        if i == 0:
            sheets.text(sheets.left, sheets.y, name, colour=GREY)
        sheets.text(sheets.left + indent, sheets.y, line)
    sheets.y -= 2


def _table(sheets: Sheets, table: Table) -> None:
    """Draw a table no wider than the page; its head is repeated on each page."""
    columns = zip(table.head, *table.rows, strict=True)
    natural = [max(width(cell, SMALL, bold=i == 0) for i, cell in enumerate(column)) + 0.5 for column in columns]
    widths = _shared(natural, sheets.room - GAP * (len(natural) - 1))
    aligns: list[Align] = ["right" if number else "left" for number in table.numeric()]
    sheets.y -= 8
    head = _height(table.head, widths, bold=True) + 2
    heights = [_height(row, widths) for row in table.rows]
    whole = head + sum(heights)
    sheets.need(whole if whole <= UNSPLIT else head + heights[0])
    page = 0
    for row, height in zip(table.rows, heights, strict=True):
        sheets.need(height)
        if sheets.page != page:
            page = sheets.page
            _row(sheets, table.head, widths, aligns, bold=True)
            canvas = sheets.pdf.canvas
            canvas.setStrokeColorRGB(*RULE)
            canvas.setLineWidth(0.6)
            canvas.line(sheets.left, sheets.y, sheets.left + sum(widths) + GAP * (len(widths) - 1), sheets.y)
            sheets.y -= 2
        _row(sheets, row, widths, aligns)
    sheets.y -= 4


def _shared(natural: list[float], room: float) -> list[float]:
    """Return widths of columns: what each wants where there is room for all, else the widest give way to the rest."""
    widths = [0.0] * len(natural)
    for done, i in enumerate(sorted(range(len(natural)), key=natural.__getitem__)):
        widths[i] = min(natural[i], room / (len(natural) - done))
        room -= widths[i]
    return widths


def _broken(cell: str, room: float, bold: bool) -> list[str]:
    """Return a cell's lines; one of very many is cut short."""
    found = lines(cell, SMALL, room, bold)
    return found if len(found) <= MOST_LINES else [*found[: MOST_LINES - 1], ELLIPSIS]


def _height(cells: tuple[str, ...], widths: list[float], bold: bool = False) -> float:
    most = max(len(_broken(cell, room, bold)) for cell, room in zip(cells, widths, strict=True))
    return most * SMALL * STEP + 3.5


def _row(sheets: Sheets, cells: tuple[str, ...], widths: list[float], aligns: list[Align], bold: bool = False) -> None:
    x = sheets.left
    for cell, room, align in zip(cells, widths, aligns, strict=True):
        for i, line in enumerate(_broken(cell, room, bold), 1):
            y = sheets.y - i * SMALL * STEP
            sheets.text(x + (room if align == "right" else 0), y, line, SMALL, bold, GREY if bold else INK, align)
        x += room + GAP
    sheets.y -= _height(cells, widths, bold)


def _diagrams(sheets: Sheets, curves: tuple[Curve, ...], accent: Rgb) -> None:
    """Draw reliability diagrams beside each other, and below them what they show."""
    sheets.need(SIDE + AXIS + 60)
    sheets.y -= 20
    top = sheets.y
    for i, curve in enumerate(curves):
        x = sheets.left + AXIS + i * (SIDE + AXIS + 2 * GAP)
        sheets.text(x, top, curve.title, SMALL + 0.5, bold=True)
        _diagram(sheets, curve, x, top - 8 - SIDE, accent)
    sheets.y = top - 8 - SIDE - AXIS
    sheets.paragraph(RELIABILITY_CAPTION, SMALL, GREY)


def _diagram(sheets: Sheets, curve: Curve, x: float, y: float, accent: Rgb) -> None:
    """Draw a reliability diagram with the lower left corner of its square at (x, y)."""
    canvas = sheets.pdf.canvas
    canvas.setStrokeColorRGB(*RULE)
    canvas.setLineWidth(0.6)
    canvas.rect(x, y, SIDE, SIDE, stroke=1, fill=0)
    for share in TICKS:
        sheets.text(x + share * SIDE, y - 11, f"{100 * share:.0f}", SMALL, colour=GREY, align="centre")
        sheets.text(x - 5, y + share * SIDE - 2.6, f"{100 * share:.0f}", SMALL, colour=GREY, align="right")
    sheets.text(x + SIDE / 2, y - 22, CONFIDENCE_AXIS, SMALL, colour=GREY, align="centre")
    canvas.saveState()
    canvas.translate(x - 23, y + SIDE / 2)
    canvas.rotate(90)
    draw(canvas, 0, 0, RIGHT_AXIS, SMALL, colour=GREY, align="centre")
    canvas.restoreState()
    canvas.setStrokeColorRGB(*GREY)
    canvas.setDash(3, 3)
    canvas.line(x, y, x + SIDE, y + SIDE)
    canvas.setDash()
    for confidence, right, share in sorted(curve.points(), key=lambda point: -point[2]):
        across = x + confidence * SIDE
        canvas.setStrokeColorRGB(*accent)
        canvas.setLineWidth(0.9)
        canvas.line(across, y + right.low * SIDE, across, y + right.high * SIDE)
        canvas.setFillColorRGB(*accent)
        canvas.circle(across, y + right.value * SIDE, SIDE * dot(share), stroke=0, fill=1)
