"""``python -m training hold-out``: data sets with one source held out each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from training.cli.train import MapOption
from training.data.label_map import parse_label_map


def hold_out(
    folder: Annotated[Path, typer.Argument(help="The data set, with a manifest that names sources.", file_okay=False)],
    out: Annotated[Path, typer.Option(help="Gets a folder with a manifest for each source.", file_okay=False)],
    by: Annotated[str, typer.Option(help="The column that names the source.")] = "source",
    label_map: MapOption = None,
) -> None:
    """Write a data set for each source in which it is only tested on; train and evaluate on each as on any other."""
    from training.data.hold_out import hold_out as write_manifests
    from training.data.loading import open_dataset

    for found in write_manifests(open_dataset(folder, label_map=parse_label_map(label_map or [])), out, by):
        typer.echo(found.words())
