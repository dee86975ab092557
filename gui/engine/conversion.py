"""Converts networks for OpenVINO in a process of its own, which neither holds up the window nor outlives it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable

from core.models.bundle import Bundle
from core.system.cache import CONVERTED_NETWORKS
from core.system.subprocesses import own_command

LOOK_SECONDS = 0.05


def convert(bundles: Iterable[Bundle], unwanted: Callable[[], bool]) -> None:
    """Convert networks, and return when that is done, has failed, or is no longer wanted.

    Whoever loads a network that could not be converted is told why.

    Args:
        bundles: the models.
        unwanted: asked all the time; the process is ended when it is true.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        own_command("core", "convert", *(str(bundle.directory) for bundle in bundles)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None:
        if unwanted():
            process.kill()
            process.wait()
            CONVERTED_NETWORKS.sweep()
            return
        time.sleep(LOOK_SECONDS)
