"""A page of blocks as a file: Markdown or PDF, by its name; no partial file is left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from core.errors import UsageError
from core.models.card import Role
from core.reports.document import Block, markdown
from core.reports.document_pdf import draw_blocks
from core.reports.layout import STUDENT, TEACHER, PaperSize, Sheets
from core.system.atomic_files import bytes_written_whole, written_whole


def write_document(
    path: Path,
    blocks: Sequence[Block],
    what: str,
    of: str,
    role: Role,
    paper: PaperSize = "A4",
    facts: Mapping[str, str] | None = None,
) -> None:
    """Write a page as Markdown (``.md``) or PDF (``.pdf``).

    Args:
        path: the file.
        blocks: the page.
        what: the kind of page, e.g. ``Model card``.
        of: the model, for a person.
        role: whose accent the page has.
        paper: of the PDF.
        facts: further entries of the PDF's document information.

    Raises:
        UsageError: if the name has another suffix.
        WriteError: if the file can't be written.
    """
    kind = path.suffix.lower()
    if kind == ".md":
        with written_whole(path) as text:
            text.write(markdown(blocks))
    elif kind == ".pdf":
        with bytes_written_whole(path) as file:
            title = f"Twinlens: {_inside(what)} of {of}"
            sheets = Sheets(file, paper, datetime.now().astimezone(), title=title)
            sheets.pdf.facts.update(facts or {})
            sheets.begin(f"{what} · {of}")
            draw_blocks(sheets, blocks, TEACHER if role == "teacher" else STUDENT)
            sheets.end()
            sheets.pdf.close()
    else:
        raise UsageError(
            f"A {_inside(what)} can't be written as {kind or 'a file without a suffix'}.",
            path=path,
            remedy="Give a name that ends in .md or .pdf.",
        )


def _inside(what: str) -> str:
    """Return the kind of page as it stands inside a sentence; a name in capitals keeps them."""
    return what if what[1].isupper() else f"{what[0].lower()}{what[1:]}"
