"""Two model cards line by line: each fact beside the same fact of the other, and whether they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.models.card import Card
from core.reports.document import Block, Caution, Facts, Heading, Items, Paragraph, Reliability, Table
from core.reports.model_card import facts

MISSING = "–"
PAIR = 2  # columns of a table that has one value a row


@dataclass(frozen=True)
class ComparedFact:
    """One fact of both cards.

    Attributes:
        section: the heading that it stands under.
        name: what it is; empty for a sentence of its own.
        first: the first card's, a dash where it has none.
        second: the second card's.
    """

    section: str
    name: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Whether the two cards differ in it."""
        return self.first != self.second


def compare_cards(first: Card, second: Card) -> list[ComparedFact]:
    """Return all facts of two cards in the order of the first; what only the second has follows in its section."""
    one, other = dict(_facts(first)), dict(_facts(second))
    sections = dict.fromkeys(section for section, _name in (*one, *other) if section)  # before the first is the notice
    return [
        ComparedFact(section, name, one.get((section, name), MISSING), other.get((section, name), MISSING))
        for section in sections
        for name in dict.fromkeys(name for found, name in (*one, *other) if found == section)
    ]


def _facts(card: Card) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield a card's facts as ((section, name), text), each name once a section."""
    section = ""
    counts: dict[tuple[str, str], int] = {}
    for block in facts(card)[1:]:  # the title names the model itself
        if isinstance(block, Heading):
            section = block.text
            continue
        for name, text in _lines(block):
            seen = counts[section, name] = counts.get((section, name), 0) + 1
            yield (section, name if seen == 1 else f"{name} ({seen})"), text


def _lines(block: Block) -> Iterator[tuple[str, str]]:
    match block:
        case Facts(rows):
            yield from rows
        case Items(texts):
            yield "", "\n".join(texts)
        case Paragraph(text):
            yield "", text
        case Caution(text):
            yield "Caution", text
        case Table(head, rows) if len(head) == PAIR:
            yield from ((row[0], row[1]) for row in rows)
        case Table(head, rows):
            yield from (
                (f"{row[0]}: {name}", cell) for row in rows for name, cell in zip(head[1:], row[1:], strict=True)
            )
        case Reliability():
            pass  # a diagram; its errors stand among the measures
