"""Networks converted for OpenVINO, kept on disk: converting takes seconds and goes through torch.

What is kept holds torch's own logits on the probe, so that a later start checks the agreement without importing torch.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from core.errors import RuntimeUnavailableError
from core.names import readable
from core.runtimes.base import probe_input
from core.system.atomic_files import cannot_write
from core.system.paths import cache_folder

if TYPE_CHECKING:
    from core.models.bundle import Bundle

CACHE_LAYOUT = 1
CACHE_ENTRIES = 12
UNFINISHED = ".new-"  # the number of the process at work follows
MODEL_FILE, PROBE_FILE, COMPILED_FOLDER = "model.xml", "probe.npy", "compiled"


def is_converted(bundle: Bundle) -> bool:
    """Return whether a bundle's network need not be converted before it runs."""
    return _is_whole(_entry(bundle))


def converted_network(bundle: Bundle) -> Path:
    """Return the folder of a verified bundle's converted network, converting it first where this has not been done.

    Raises:
        RuntimeUnavailableError: if OpenVINO can't convert it, or it can't be kept, e.g. because the disk is full.
    """
    entry = _entry(bundle)
    if _is_whole(entry):
        with suppress(OSError):  # it was converted by another user
            os.utime(entry)
        return entry
    root = entry.parent
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=f"{UNFINISHED}{os.getpid()}-") as folder:
            staged = Path(folder) / entry.name
            staged.mkdir()
            _convert(bundle, staged)
            try:
                staged.replace(entry)
            except OSError:
                if not (entry / MODEL_FILE).is_file():  # else another process was quicker, with the same network
                    raise
    except OSError as cause:
        reason = cannot_write(root, cause)
        raise RuntimeUnavailableError(
            f"The network converted for OpenVINO can't be kept in {readable(root)}. {reason.problem}",
            remedy=reason.remedy,
        ) from cause
    _forget_oldest(root)
    sweep()
    return entry


def sweep() -> None:
    """Remove what conversions left behind that were cut off; those still running keep theirs."""
    for leftover in (cache_folder() / "openvino").glob(f"{UNFINISHED}*"):
        owner = leftover.name.removeprefix(UNFINISHED).split("-")[0]
        if not (owner.isdecimal() and psutil.pid_exists(int(owner))):
            shutil.rmtree(leftover, ignore_errors=True)


def _entry(bundle: Bundle) -> Path:
    """Return where a bundle's converted network is kept."""
    import openvino

    card = bundle.card
    facts = (CACHE_LAYOUT, openvino.__version__, card.weights_sha256, card.network, card.head, len(card.classes))
    shape = (card.preprocessing.height, card.preprocessing.width)
    return cache_folder() / "openvino" / hashlib.sha256(repr((facts, shape)).encode()).hexdigest()[:32]


def _is_whole(entry: Path) -> bool:
    return (entry / MODEL_FILE).is_file() and (entry / PROBE_FILE).is_file()


def _convert(bundle: Bundle, folder: Path) -> None:
    """Write the network as OpenVINO's own format, and torch's logits on the probe, into a folder."""
    import openvino
    import torch

    from core.models.architectures import with_maps

    card = bundle.card
    height, width = card.preprocessing.height, card.preprocessing.width
    network = with_maps(card.network, bundle.load_network())
    with torch.no_grad():
        expected = network(torch.from_numpy(probe_input(card.preprocessing)))[0].numpy()
        batch = torch.export.Dim("batch", min=1, max=4096)
        try:
            program = torch.export.export(
                network, (torch.zeros(2, 3, height, width),), dynamic_shapes={"batch": {0: batch}}
            )
            model = openvino.convert_model(program)
        except Exception as cause:  # torch.export and the converter raise many kinds; torch itself still runs it
            raise RuntimeUnavailableError(f"OpenVINO can't convert this network ({type(cause).__name__}).") from cause
    model.reshape([-1, 3, height, width])
    np.save(folder / PROBE_FILE, expected)
    try:
        openvino.save_model(model, folder / MODEL_FILE, compress_to_fp16=False)
    except RuntimeError as cause:  # it does not say what the system said
        full = shutil.disk_usage(folder).free < 4 * card.parameters
        raise OSError(errno.ENOSPC if full else errno.EIO, f"OpenVINO could not write {MODEL_FILE}") from cause


def _forget_oldest(root: Path) -> None:
    """Keep the most recently used entries of the cache."""
    entries = sorted((e for e in root.iterdir() if not e.name.startswith(".")), key=lambda e: e.stat().st_mtime)
    for entry in entries[:-CACHE_ENTRIES]:
        shutil.rmtree(entry, ignore_errors=True)
