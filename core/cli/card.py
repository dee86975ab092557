"""``python -m core card``: a model's card, CHAI's model card, or a reviewers' checklist filled in from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.errors import UsageError
from core.reports.checklists import ChecklistName
from core.reports.layout import PaperSize


def card(
    model: Annotated[
        str, typer.Argument(help="A bundle's identifier such as chest-xray/student-ofa595, or its folder.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Write it to this file instead of printing it: .md or .pdf, with --chai also .xml.", dir_okay=False
        ),
    ] = None,
    checklist: Annotated[
        ChecklistName | None, typer.Option(help="A reviewers' checklist, filled in as far as the card knows.")
    ] = None,
    chai: Annotated[bool, typer.Option("--chai", help="CHAI's Applied Model Card; printed as XML.")] = False,
    paper: Annotated[PaperSize, typer.Option(help="Paper of the PDF.")] = "A4",
) -> None:
    """Print a model's card as Markdown: what it is for, how it was made, what it scores and what it can't do."""
    from core.models.bundle import read_bundle
    from core.models.catalogue import read_catalogue
    from core.reports.chai_card import chai_xml, write_chai_card
    from core.reports.checklists import checklist_blocks, write_checklist
    from core.reports.document import markdown
    from core.reports.model_card import model_facts, write_model_facts

    if chai and checklist is not None:
        raise UsageError("--chai and --checklist are two pages.", remedy="Write them one after the other.")
    found = (read_catalogue().bundles.get(model) or read_bundle(Path(model))).card
    if out is None:
        page = chai_xml(found) if chai else markdown(checklist_blocks(checklist, found)) if checklist else None
        typer.echo(page or model_facts(found), nl=False)
        return
    if chai:
        write_chai_card(out, found, paper)
    elif checklist is not None:
        write_checklist(out, checklist, found, paper)
    else:
        write_model_facts(out, found, paper)
    typer.echo(f"Written: {out}")
