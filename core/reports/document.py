"""A page for a person as blocks of plain text, and the page as Markdown that none of its text can mark up."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, assert_never

from core.compare.agreement import Interval, wilson
from core.models.card import ReliabilityBin

_NUMBER = re.compile(r"[\d.,]+( %)?|–")


@dataclass(frozen=True)
class Heading:
    """A heading; the page's title has level 1."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph, in bold where it is strong."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Caution:
    """A caution about the figures that follow."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list, one text an item."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """A list of names with a text under each."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table: the names of its columns, and rows that are as long."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def numeric(self) -> list[bool]:
        """Return for each column but the first whether all its cells are numbers, which are set flush right."""
        columns = list(zip(*self.rows, strict=True))[1:]
        return [False, *(all(_NUMBER.fullmatch(cell) for cell in column) for column in columns)]


@dataclass(frozen=True)
class Entry:
    """A text under its topic.

    Attributes:
        topic: what it is about, e.g. what an item of a checklist asks for.
        text: the answer.
        number: the item's number; empty for none.
        state: how far the answer goes, in a few words; empty for nothing.
    """

    topic: str
    text: str
    number: str = ""
    state: str = ""


@dataclass(frozen=True)
class Entries:
    """Texts, each under its topic."""

    rows: tuple[Entry, ...]

    def table(self) -> Table:
        """Return them as a table, without columns that have nothing in any row."""
        columns = {
            "item": [row.number for row in self.rows],
            "topic": [row.topic for row in self.rows],
            "text": [row.text for row in self.rows],
            "from": [row.state for row in self.rows],
        }
        shown = {name: cells for name, cells in columns.items() if any(cells)}
        return Table(tuple(shown), tuple(zip(*shown.values(), strict=True)))


@dataclass(frozen=True)
class Curve:
    """The reliability of a model's predictions before or after temperature scaling.

    Attributes:
        moment: which of the two.
        ece: the expected calibration error, or None where it is not known.
        bins: images of like confidence and how many of them were right, in the order of confidence.
    """

    moment: Literal["before", "after"]
    ece: float | None
    bins: tuple[ReliabilityBin, ...]

    @property
    def title(self) -> str:
        """What stands above its diagram."""
        error = "" if self.ece is None else f" · ECE {self.ece:.4f}"
        return f"{self.moment.capitalize()} temperature scaling{error}"

    def points(self) -> list[tuple[float, Interval, float]]:
        """Return mean confidence, share right with Wilson's 95 % interval, and share of the images of each bin."""
        total = sum(found.images for found in self.bins)
        return [
            (found.confidence, wilson(round(found.accuracy * found.images), found.images), found.images / total)
            for found in self.bins
        ]


@dataclass(frozen=True)
class Reliability:
    """Reliability diagrams; where nothing can be drawn, a table of their points."""

    curves: tuple[Curve, ...]

    def table(self) -> Table:
        """Return the points as a table."""
        return Table(
            ("temperature scaling", "mean confidence", "share right", "images"),
            tuple(
                (curve.moment, percent(found.confidence), percent(found.accuracy), str(found.images))
                for curve in self.curves
                for found in curve.bins
            ),
        )


RELIABILITY_CAPTION = (
    "Mean confidence of the predictions and the share that was correct; on the dashed line both are equal. Larger dots "
    "stand for more images; a bar is the 95 % interval (Wilson)."
)
TICKS = (0, 0.25, 0.5, 0.75, 1)  # of both axes
CONFIDENCE_AXIS, RIGHT_AXIS = "mean confidence, %", "share right, %"

Block = Heading | Paragraph | Caution | Items | Facts | Table | Entries | Reliability


def markdown(blocks: Iterable[Block]) -> str:
    """Return a page as Markdown; its texts are escaped, since they may come from a stranger."""
    return "\n\n".join(map(_markdown, blocks)) + "\n"


def dot(share: float) -> float:
    """Return the radius of the dot of so large a share of the images, in sides of a reliability diagram."""
    return 0.01 + 0.03 * math.sqrt(share)


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text):
            return f"{'#' * level} {_escaped(text)}"
        case Paragraph(text, strong):
            return f"**{_escaped(text)}**" if strong else _escaped(text)
        case Caution(text):
            return f"**Caution:** {_escaped(text)}"
        case Items(texts):
            return "\n".join(f"- {_escaped(text)}" for text in texts)
        case Facts(rows):
            return "\n".join(f"- {_escaped(name)}: {_escaped(text)}" for name, text in rows)
        case Table(head, rows):
            rule = "|".join("---:" if number else "---" for number in block.numeric())
            return "\n".join([_row(head), f"|{rule}|", *map(_row, rows)])
        case Entries() | Reliability():
            return _markdown(block.table())
    assert_never(block)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(text: str) -> str:
    """Return text on one line without the power to mark anything up."""
    return re.sub(r"([\\`*_~\[\]<>|#&!])", r"\\\1", " ".join(text.split()))


def percent(share: float | None) -> str:
    """Return a share of 1 as a percentage with two decimals, a dash for None."""
    return "–" if share is None else f"{100 * share:.2f} %"
