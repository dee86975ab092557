"""Entry point of the program: ``python -m gui``, also installed as ``twinlens``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.cli.runner import run
from core.errors import TwinlensError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def open_window(
    images: Annotated[list[Path] | None, typer.Argument(help="Images and folders to open.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Open the demonstration radiograph.")] = False,
    screenshot: Annotated[
        Path | None, typer.Option(help="Save the window as PNG when the analysis is done, and leave.", dir_okay=False)
    ] = None,
    check: Annotated[bool, typer.Option("--self-test", help="See whether this installation works, and leave.")] = False,
) -> None:
    """Open the window: teacher and student side by side. For research use only, not for diagnosis."""
    if check:
        from gui.diagnostics.self_test import self_test

        sys.exit(self_test())
    _demand_display()
    from core.images.demo import demonstration_radiograph
    from gui.window.app import start

    paths = [*(images or []), *([demonstration_radiograph()] if demo else [])]
    sys.exit(start(paths, screenshot))


def _demand_display() -> None:
    """Raise an error where there is no display, without which Qt would end the process with advice that does not help.

    Raises:
        TwinlensError: on Linux, if no display is named.
    """
    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform == "linux" and not named:
        raise TwinlensError(
            "There is no display to open a window on.",
            remedy="Use python -m core compare, or set QT_QPA_PLATFORM=offscreen for a screenshot.",
        )


def main() -> None:
    """Run the program."""
    run(app)


if __name__ == "__main__":
    main()
