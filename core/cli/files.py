"""The images that arguments of a command line name."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from core.errors import UsageError
from core.names import readable


def find(arguments: list[str]) -> Iterator[Path]:
    """Yield the images that the arguments name; a pattern is expanded here where the shell has not done it.

    Raises:
        UsageError: if they name none.
    """
    from core.images.reader import SUPPORTED, find_images

    named: list[Path] = []
    for argument in arguments:
        path = Path(argument)
        pattern = glob.has_magic(argument) and not os.path.lexists(path)
        matches = glob.glob(argument, recursive=True) if pattern else []  # noqa: PTH207 - it may be an absolute one
        named += [Path(match) for match in sorted(matches)] or [path]
    found = list(find_images(named))
    if not found:
        raise UsageError(f"There are no images in {', '.join(map(readable, arguments))}.", remedy=SUPPORTED)
    yield from found
