"""The sheets of a report or model card: margins, head and foot of every page, a cursor that goes down, and blocks."""

from __future__ import annotations

import io
from datetime import datetime
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from core import NOTICE, __version__
from core.reports.letterhead import Letterhead
from core.reports.pdfa import PdfFile
from core.reports.right_to_left import reads_from_right
from core.reports.text import Align, Rgb, draw, lines, shortened, width

PaperSize = Literal["A4", "Letter"]
PAPER: dict[PaperSize, tuple[float, float]] = {"A4": (595.28, 841.89), "Letter": (612.0, 792.0)}

MARGIN, GAP = 36.0, 16.0  # points
FOOT = 46.0  # nothing but the footer goes below
SMALL, TEXT, HEADING, TITLE = 7.5, 9.0, 10.5, 14.0
LINE = 1.35  # height of a line, in sizes of its letters
LOGO = (120.0, 24.0)  # width and height that a logo takes at most, points

INK: Rgb = (0.09, 0.10, 0.13)
GREY: Rgb = (0.40, 0.42, 0.47)
RULE: Rgb = (0.82, 0.83, 0.86)
TRACK: Rgb = (0.91, 0.92, 0.94)
TEACHER: Rgb = (0.26, 0.25, 0.75)  # indigo and teal of the window, dark enough to be read on paper
STUDENT: Rgb = (0.00, 0.46, 0.43)
AMBER: Rgb = (0.55, 0.32, 0.00)
AMBER_FIELD: Rgb = (1.00, 0.95, 0.82)
WARNING = "⚠"
MOST_CLASSES = 12  # that a page lists; of more it has the most probable ones


class Sheets:
    """The pages of a document, one after another.

    Attributes:
        pdf: the file.
        y: the cursor: how far up the free space of the page reaches, in points from the bottom.
        left: left end of the text.
        right: right end of the text.
        page: number of the current page, from 1.
        made: when it was made, with its time zone.
        prefix: stands before the number on a page, so that a part of the document has numbers of its own.

    Args:
        file: where it is written.
        paper: size of the paper.
        made: when, with its time zone.
        title: the document's title.
        letterhead: whose document it is; None for one by the program itself.
    """

    def __init__(
        self,
        file: BinaryIO,
        paper: PaperSize,
        made: datetime,
        title: str = "Twinlens: comparison of teacher and student",
        letterhead: Letterhead | None = None,
    ) -> None:
        self.width, self.height = PAPER[paper]
        self.pdf = PdfFile(
            file,
            (self.width, self.height),
            title=title,
            author="Twinlens",
            subject=NOTICE,
            creator=f"Twinlens {__version__}",
        )
        self.left, self.right = MARGIN, self.width - MARGIN
        self.page, self.prefix = 0, ""
        self.y = 0.0
        stamp = made.isoformat(" ", "minutes")
        self.made = f"{stamp[:16]} UTC{stamp[16:]}"
        self._letterhead = letterhead
        self._head = ""
        self._open = False

    @property
    def room(self) -> float:
        """Width of the text, in points."""
        return self.right - self.left

    @property
    def top(self) -> float:
        """Where the text of a page begins."""
        return self.height - MARGIN - 34

    def begin(self, head: str, bookmark: str | None = None) -> None:
        """Begin a new page.

        Args:
            head: what the page is about, for its header.
            bookmark: its entry in the reader's outline, if it gets one.
        """
        self.end()
        self.page += 1
        self._head, self._open = head, True
        canvas = self.pdf.canvas
        if bookmark is not None:
            canvas.bookmarkPage(f"page{self.prefix}{self.page}")
            canvas.addOutlineEntry(bookmark, f"page{self.prefix}{self.page}")
        y = self.height - MARGIN - (16 if self._letterhead else 10)
        self._letter_head(y) if self._letterhead else self._own_head(y)
        self.line(y - 9)
        y = MARGIN - 12
        self.line(y + 14)
        draw(canvas, self.left, y, NOTICE, TEXT, bold=True, colour=INK)
        number = f"Twinlens {__version__} · page {self.prefix}{self.page}"
        draw(canvas, self.right, y, number, SMALL, False, GREY, "right")
        self.y = self.top

    def _own_head(self, y: float) -> None:
        draw(self.pdf.canvas, self.left, y, "Twinlens", TITLE, bold=True, colour=INK)
        self.text(self.left + 78, y, self._head, colour=GREY, room=self.room - 220)
        draw(self.pdf.canvas, self.right, y, self.made, TEXT, False, GREY, "right")

    def _letter_head(self, y: float) -> None:
        """Draw logo and institution at the left, what the page is about and its date at the right."""
        assert self._letterhead is not None  # noqa: S101 - the caller looked
        left, middle = self.left, self.left + self.room * 0.55
        if self._letterhead.logo is not None:
            left += self._logo(self._letterhead.logo, left, y - 6) + 10
        if self._letterhead.institution:
            *above, last = lines(self._letterhead.institution, HEADING + 1, middle - left, bold=True)[:2]
            self.text(left, y - 3 if above else y, last, HEADING + 1, bold=True)
            if above:
                self.text(left, y + 10, above[0], HEADING + 1, bold=True)
        else:
            self.field("Institution", "", left, y, middle - left)
        self.text(self.right, y + 10, self.made, TEXT, colour=GREY, align="right")
        self.text(self.right, y - 1, self._head, SMALL, colour=GREY, align="right", room=self.right - middle - GAP)

    def _logo(self, data: bytes, x: float, y: float) -> float:
        """Draw a logo with its lower left corner at (x, y), and return its width."""
        from reportlab.lib.utils import ImageReader

        picture = ImageReader(io.BytesIO(data))
        shrink = min(LOGO[0] / picture.getSize()[0], LOGO[1] / picture.getSize()[1])
        wide, high = (shrink * side for side in picture.getSize())
        self.pdf.canvas.drawImage(picture, x, y, wide, high)
        return float(wide)

    def end(self) -> None:
        """Finish the current page."""
        if self._open:
            self.pdf.end_page()
            self._open = False

    def need(self, height: float) -> None:
        """Begin a new page unless this many points are free on the current one."""
        if self.y - height < FOOT:
            self.begin(self._head if self._head.endswith(", continued") else f"{self._head}, continued")

    def line(self, y: float, left: float | None = None, right: float | None = None) -> None:
        """Draw a hairline, across the page unless its ends are given."""
        canvas = self.pdf.canvas
        canvas.setStrokeColorRGB(*RULE)
        canvas.setLineWidth(0.6)
        canvas.line(self.left if left is None else left, y, self.right if right is None else right, y)

    def field(self, name: str, value: str, x: float, y: float, room: float, name_width: float = 0) -> None:
        """Draw a name and its value on one line; an empty value is a line to write on.

        Args:
            name: what it is.
            value: the value.
            x: left end.
            y: the baseline.
            room: width of both.
            name_width: where the value begins, from ``x``; by default right after the name.
        """
        self.text(x, y, name, SMALL, colour=GREY)
        begin = x + (name_width or width(name, SMALL) + 6)
        if value:
            size = min(TEXT, max(SMALL - 1, TEXT * (x + room - begin) / width(value, TEXT)))
            self.text(begin, y, value, size, room=x + room - begin)
        else:
            self.line(y - 2, begin, x + room)

    def text(
        self, x: float, y: float, text: str, size: float = TEXT, bold: bool = False, colour: Rgb = INK,
        align: Align = "left", room: float | None = None,
    ) -> None:  # fmt: skip
        """Draw one line, shortened in its middle where it is wider than ``room``."""
        text = text if room is None else shortened(text, size, room, bold)
        draw(self.pdf.canvas, x, y, text, size, bold, colour, align)

    def paragraph(
        self, text: str, size: float = TEXT, colour: Rgb = INK, bold: bool = False, room: float | None = None
    ) -> None:
        """Draw a text over as many lines and pages as it takes, from the side where it begins.

        It is as wide as the page, or as ``room`` from the left.
        """
        room = self.room if room is None else room
        for line in lines(text, size, room, bold):
            self.need(size * LINE)
            self.y -= size * LINE
            if reads_from_right(line):
                self.text(self.left + room, self.y, line, size, bold, colour, "right")
            else:
                self.text(self.left, self.y, line, size, bold, colour)

    def heading(self, text: str, keep: float = 24) -> None:
        """Draw a heading that stays with the next ``keep`` points."""
        self.need(HEADING * 2.2 + keep)
        self.y -= HEADING * 1.9
        self.text(self.left, self.y, text, HEADING, bold=True)
        self.y -= 3

    def warning(self, text: str) -> None:
        """Draw a text in amber, on a field and with a sign, so that colour is not the only one."""
        found = lines(text, TEXT, self.room - 34, bold=True)
        height = len(found) * TEXT * LINE + 9
        self.need(height + 6)
        canvas = self.pdf.canvas
        canvas.setFillColorRGB(*AMBER_FIELD)
        canvas.rect(self.left, self.y - height, self.room, height, stroke=0, fill=1)
        self.text(self.left + 9, self.y - TEXT - 5, WARNING, TEXT + 2, bold=True, colour=AMBER)
        for i, line in enumerate(found):
            self.text(self.left + 26, self.y - TEXT * LINE * (i + 1) - 2, line, TEXT, bold=True, colour=AMBER)
        self.y -= height + 6

    def table(self, rows: list[tuple[str, str, str]], columns: tuple[float, float, float]) -> None:
        """Draw rows of a name and two values, each value broken into lines; ``columns`` are their left ends."""
        ends = (columns[1] - GAP / 2, columns[2] - GAP, self.right)
        step = SMALL * LINE
        for row in rows:
            cells = [lines(text, SMALL, end - x) for text, x, end in zip(row, columns, ends, strict=True)]
            height = max(map(len, cells)) * step + 3.5
            self.need(height)
            for column, (cell, x) in enumerate(zip(cells, columns, strict=True)):
                for i, line in enumerate(cell):
                    self.text(x, self.y - (i + 1) * step, line, SMALL, colour=GREY if column == 0 else INK)
            self.y -= height

    def picture(self, data: bytes | npt.NDArray[np.uint8], x: float, y: float, width: float, height: float) -> None:
        """Draw a JPEG file, or an array of grey or RGB pixels, with its lower left corner at (x, y)."""
        from PIL import Image
        from reportlab.lib.utils import ImageReader

        source = io.BytesIO(data) if isinstance(data, bytes) else Image.fromarray(data)
        self.pdf.canvas.drawImage(ImageReader(source), x, y, width, height)

    def bar(self, x: float, y: float, width: float, share: float, colour: Rgb) -> None:
        """Draw a horizontal bar of which ``share``, in [0, 1], is filled."""
        canvas = self.pdf.canvas
        canvas.setFillColorRGB(*TRACK)
        canvas.rect(x, y, width, 6, stroke=0, fill=1)
        canvas.setFillColorRGB(*colour)
        canvas.rect(x, y, width * share, 6, stroke=0, fill=1)
