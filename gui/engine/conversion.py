"""Converts networks for OpenVINO in another process, which neither blocks the window nor outlives it."""

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

    Loading a network that could not be converted tells why.

    Args:
        bundles: the models.
        unwanted: asked every ``LOOK_SECONDS``; the process is killed when it is true.
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
