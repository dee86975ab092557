"""The program's front door: ``python -m gui``, also installed as ``twinlens``.

There is no window yet: what it would show of the images is printed instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.batch import BatchComparer
from core.catalogue import read_catalogue
from core.console import summary
from core.demo import demonstration_radiograph
from core.door import run
from core.errors import UsageError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def open_images(
    images: Annotated[list[Path] | None, typer.Argument(help="Images to compare the two networks on.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Take the demonstration radiograph.")] = False,
) -> None:
    """Let teacher and student judge images. For research use only, not for diagnosis."""
    paths = [*(images or []), *([demonstration_radiograph()] if demo else [])]
    if not paths:
        raise UsageError("No image was named.", remedy="Name one, or use --demo for the demonstration radiograph.")
    typer.echo("Twinlens has no window yet; this is what teacher and student say. For research use only.")
    typer.echo("At the first start on a machine the networks are converted, which takes some seconds.\n")
    comparer = BatchComparer(read_catalogue())
    records = [comparer.compare_file(path) for path in paths]
    typer.echo("\n".join(summary(record) for record in records))
    if any(record["error"] for record in records):
        raise typer.Exit(1)


def main() -> None:
    """Run the program."""
    run(app)


if __name__ == "__main__":
    main()
