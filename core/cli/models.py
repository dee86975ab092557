"""The table of installed models."""

from __future__ import annotations

import sys
from typing import Any

import typer

from core.errors import BundleError
from core.models.bundle import Bundle


def describe(bundle: Bundle) -> dict[str, Any]:
    """Return a bundle as plain values for JSON, with the state of its checksum (``ok`` or what is wrong)."""
    try:
        bundle.verify()
    except BundleError as error:
        checksum = error.problem
    else:
        checksum = "ok"
    card = bundle.card
    return {
        "id": bundle.id,
        "task": card.task,
        "role": card.role,
        "network": card.network,
        "subnet": None if card.subnet is None else card.subnet.model_dump(),
        "name": bundle.name,
        "parameters": card.parameters,
        "macs": card.macs,
        "scores": [scores.model_dump() for scores in card.scores],
        "bytes": bundle.weights_bytes,
        "storage": card.storage,
        "licence": card.licence,
        "made_by": card.training.made_by,
        "trained_by": card.training.maker,
        "directory": str(bundle.directory),
        "checksum": checksum,
    }


HEADER = (
    "model",
    "network",
    "parameters",
    "GMACs",
    "accuracy",
    "macro F1",
    "ECE",
    "file",
    "trained by",
    "checksum",
)


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print the models as a table on a terminal, as tab-separated lines in a pipe."""
    cells = [_cells(row) for row in rows]
    if not sys.stdout.isatty():
        for line in (HEADER, *cells):
            typer.echo("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*HEADER, box=None, header_style="bold")
    for line in cells:
        table.add_row(*line)
    Console().print(table)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    scores = row["scores"][0] if row["scores"] else None
    return (
        row["id"],
        row["name"],
        f"{row['parameters'] / 1e6:.1f} M",
        f"{row['macs'] / 1e9:.2f}",
        f"{100 * scores['accuracy']:.2f} %" if scores else "–",
        f"{100 * scores['macro_f1']:.2f} %" if scores else "–",
        f"{scores['ece']:.3f}" if scores else "–",
        f"{row['bytes'] / 1e6:.1f} MB",
        row["trained_by"],
        row["checksum"],
    )
