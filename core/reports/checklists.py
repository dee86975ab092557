"""Checklists of reviewers filled in from a model's card: CLAIM 2024, TRIPOD+AI, STARD-AI.

A checklist is a file of ``assets/checklists`` with the published numbers and our own short topics. An item is answered
by what the card says (``card_answers``); what it does not say is called not known, and what only a person can say is
left for the author.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core import NOTICE
from core.models.card import Card
from core.reports.card_answers import ANSWERS
from core.reports.document import Block, Entries, Entry, Heading, Paragraph
from core.reports.document_file import write_document
from core.reports.layout import PaperSize
from core.reports.model_card import title_of
from core.system.paths import package_checklists

ChecklistName = Literal["claim", "tripod-ai", "stard-ai"]
State = Literal["from the card", "in part", "not known", "for the author"]
Words = Annotated[str, Field(min_length=1, max_length=300)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Part):
    """One item.

    Attributes:
        number: as published, e.g. ``15a``.
        section: the part of a paper that it belongs to.
        topic: what it asks for.
        applies_to: TRIPOD+AI's ``D`` (development), ``E`` (evaluation) or ``D;E``; empty elsewhere.
        from_card: names of ``card_answers`` that answer it.
        author: what only a person can add; empty for nothing.
    """

    number: Annotated[str, Field(pattern=r"^\d{1,2}[a-z]?$")]
    section: Words
    topic: Words
    applies_to: Literal["", "D", "E", "D;E"] = Field(default="", alias="for")
    from_card: tuple[str, ...] = ()
    author: str = ""

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if unknown := set(self.from_card) - set(ANSWERS):
            raise ValueError(f"item {self.number}: there is no answer {sorted(unknown)[0]}")
        if not self.from_card and not self.author:
            raise ValueError(f"item {self.number} is answered by nobody")
        return self

    def answer(self, card: Card) -> tuple[State, str]:
        """Return how far a card answers the item, and the text."""
        said = [text for name in self.from_card if (text := ANSWERS[name](card))]
        left = f"For the author: {self.author}." if self.author else ""
        if not self.from_card:
            return "for the author", left
        if not said:
            return "not known", " ".join(filter(None, ("Not known: the model's card does not say.", left)))
        whole = not left and len(said) == len(self.from_card)
        return "from the card" if whole else "in part", " ".join(filter(None, (*said, left)))


class Checklist(_Part):
    """A checklist.

    Attributes:
        id: its name on the command line.
        name: its published name.
        source: the publication.
        items: in the published order.
    """

    id: ChecklistName
    name: Words
    source: Words
    items: tuple[Item, ...]


@cache
def read_checklist(name: ChecklistName) -> Checklist:
    """Return a checklist that comes with the program."""
    path: Path = package_checklists() / f"{name}.toml"
    return Checklist.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def checklist_blocks(name: ChecklistName, card: Card) -> list[Block]:
    """Return a checklist filled in from a card as the blocks of a page."""
    checklist = read_checklist(name)
    answers = [(item, *item.answer(card)) for item in checklist.items]
    states = [state for _item, state, _text in answers]
    counted = ", ".join(f"{states.count(state)} {state}" for state in get_args(State))
    blocks: list[Block] = [
        Heading(1, f"{checklist.name}: {title_of(card)}"),
        Paragraph(NOTICE, strong=True),
        Paragraph(
            f"Filled in from the card of {card.id}, weights {card.weights_sha256[:16]}…. "
            f"{len(answers)} items: {counted}. Nothing is inferred: what the card does not say is marked."
        ),
        Paragraph(f"{checklist.source}. Numbers are the published ones; topics are shortened, so read the original."),
    ]
    for section in dict.fromkeys(item.section for item in checklist.items):
        entries = tuple(
            Entry(f"{item.topic}{f' [{item.applies_to}]' if item.applies_to else ''}", text, item.number, state)
            for item, state, text in answers
            if item.section == section
        )
        blocks += [Heading(2, section), Entries(entries)]
    return blocks


def write_checklist(path: Path, name: ChecklistName, card: Card, paper: PaperSize = "A4") -> None:
    """Write a checklist that is filled in from a card as Markdown (``.md``) or PDF (``.pdf``).

    Raises:
        UsageError: if the name has another suffix.
        WriteError: if the file can't be written.
    """
    what = f"{read_checklist(name).name} checklist"
    write_document(path, checklist_blocks(name, card), what, title_of(card), card.role, paper)
