"""How a command line of Twinlens starts and ends: text in UTF-8, errors in one line, reliable exit codes."""

from __future__ import annotations

import io
import os
import sys

import typer

from core.errors import TwinlensError, UsageError


def run(app: typer.Typer) -> None:
    """Run a command line; wrong usage ends with 2, another error meant for a person with 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app()
    except TwinlensError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:
        # the reader has gone; what is still buffered must not be flushed into the closed pipe at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
