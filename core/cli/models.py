"""The table of installed models."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import typer

from core.errors import BundleError
from core.models.bundle import Bundle
from core.models.card import Scores
from core.models.ofa_subnets import Subnet
from core.models.origin import OriginKind, origin_of


@dataclass(frozen=True)
class ModelRow:
    """An installed model, as ``models --json`` lists it.

    Attributes:
        id: the bundle's identifier.
        task: identifier of the task.
        role: ``teacher`` or ``student``.
        network: the network's identifier.
        subnet: which subnet of a supernet it is, None where it is none.
        name: the network's name.
        parameters: how many it has.
        macs: multiply-accumulate operations of a forward.
        scores: what it scored on test data.
        bytes: size of its weights' file.
        storage: ``float32``, ``float16`` or ``int8``.
        licence: of the weights.
        made_by: the program that trained it.
        trained_by: that program in a word or two.
        origin: ``shipped``, ``trained`` (here) or ``imported``.
        directory: where it lies.
        checksum: ``ok``, or what is wrong with its file.
    """

    id: str
    task: str
    role: str
    network: str
    subnet: Subnet | None
    name: str
    parameters: int
    macs: int
    scores: tuple[Scores, ...]
    bytes: int
    storage: str
    licence: str
    made_by: str
    trained_by: str
    origin: OriginKind
    directory: str
    checksum: str


def describe(bundle: Bundle) -> ModelRow:
    """Return a bundle as a row, with the state of its checksum."""
    try:
        bundle.verify()
    except BundleError as error:
        checksum = error.problem
    else:
        checksum = "ok"
    card = bundle.card
    return ModelRow(
        id=bundle.id,
        task=card.task,
        role=card.role,
        network=card.network,
        subnet=card.subnet,
        name=bundle.name,
        parameters=card.parameters,
        macs=card.macs,
        scores=tuple(card.scores),
        bytes=bundle.weights_bytes,
        storage=card.storage,
        licence=card.licence,
        made_by=card.training.made_by,
        trained_by=card.training.maker,
        origin=origin_of(bundle).kind,
        directory=str(bundle.directory),
        checksum=checksum,
    )


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


def print_table(rows: list[ModelRow]) -> None:
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


def _cells(row: ModelRow) -> tuple[str, ...]:
    scores = row.scores[0] if row.scores else None
    return (
        row.id,
        row.name,
        f"{row.parameters / 1e6:.1f} M",
        f"{row.macs / 1e9:.2f}",
        f"{100 * scores.accuracy:.2f} %" if scores else "–",
        f"{100 * scores.macro_f1:.2f} %" if scores else "–",
        f"{scores.ece:.3f}" if scores else "–",
        f"{row.bytes / 1e6:.1f} MB",
        row.trained_by,
        row.checksum,
    )
