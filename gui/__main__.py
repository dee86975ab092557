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
    unread = 0
    for path in paths:
        record = comparer.compare_file(path)
        unread += record["error"] is not None
        typer.echo(summary(record))
    if unread:
        raise typer.Exit(1)


def main() -> None:
    """Run the program."""
    run(app)


if __name__ == "__main__":
    main()
