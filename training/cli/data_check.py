"""The command ``check-data``: progress in a terminal or as lines of JSON, the report as text, Markdown or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import typer

from core.cli.output import Progress
from core.errors import UsageError
from core.system.atomic_files import written_whole
from training.cli.progress import print_json
from training.data.dataset import Progress as Tell
from training.data.loading import open_dataset
from training.data_check.check import check
from training.loop.events import Preparing
from training.recipe import Recipe

REPORTED_EVERY = 20  # steps between lines of progress


def run_check(
    folder: Path,
    as_json: bool,
    report: Path | None,
    events: Literal["text", "json"] = "text",
    label_map: Mapping[str, str] | None = None,
    recipe: Recipe | None = None,
) -> int:
    """Check a data set for the command line; return the exit code: 1 if there are errors, else 0.

    Args:
        folder: the data set.
        as_json: whether the report is printed as JSON.
        report: where it is also written as Markdown, or None.
        events: ``json`` prints progress as lines of JSON before the report.
        label_map: labels that are renamed or left out, in place of the recipe's map.
        recipe: what the data set is to be trained by, or None.

    Raises:
        UsageError: if there is no such folder, or none for the report.
        DatasetError: if it holds no data set.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", remedy="Name the folder of a data set.")
    if report is not None and not report.resolve().parent.is_dir():
        raise UsageError(f"There is no folder for the report {report}.", remedy="Make it first.")
    with Progress() as bars:
        progress: Tell = _tell if events == "json" else bars.show
        labels = label_map or (recipe.label_map if recipe is not None else {})
        found = check(open_dataset(folder, progress=progress, label_map=labels), progress, recipe)
    page = found.as_markdown()
    if report is not None:
        with written_whole(report) as file:
            file.write(page)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), indent=2))  # in ASCII, so that any name can be printed
    elif sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(page))
    else:
        typer.echo(page)
    return 1 if found.has_errors else 0


def _tell(what: str, done: int, total: int) -> None:
    if done % REPORTED_EVERY == 0 or done == total:
        print_json(Preparing(what, done, total))
