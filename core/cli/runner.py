"""How a command line of Twinlens starts and ends: text in UTF-8, errors in one line, reliable exit codes."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

import typer

from core.errors import TwinlensError, UsageError
from core.system.atomic_files import system_error
from core.system.paths import cache_notice


def run(app: typer.Typer) -> None:
    """Run a command line; wrong usage ends with 2, another error meant for a person with 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        try:
            app()
        finally:
            _flush()
            if notice := cache_notice():
                typer.echo(notice, err=True)
    except TwinlensError as error:
        typer.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:
        # the reader has gone; what is still buffered must not be flushed into the closed pipe at exit
        _silence(sys.stdout)
        sys.exit(1)
    except OSError as cause:  # a disk that is full, a folder that may not be entered
        typer.echo(f"Error: {system_error(cause)}", err=True)
        sys.exit(1)


def _flush() -> None:
    """Write out what was printed, while a failure can still be reported; nothing is tried again at exit.

    Raises:
        OSError: if it can't be written, e.g. because it goes to a file and the disk is full.
    """
    if sys.stdout is None:  # a program without a terminal
        return
    try:
        sys.stdout.flush()
    except OSError as cause:
        _silence(sys.stdout)
        cause.filename = "standard output"
        raise


def _silence(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
