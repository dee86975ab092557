"""Networks converted for OpenVINO, cached on disk: converting takes seconds and goes through torch.

An entry holds torch's own logits on the probe as well, so that a later start checks the agreement without importing
torch. Where a network can't be converted, or disagrees, the entry holds the reason, so that this is not tried at every
start.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import RuntimeUnavailableError, WriteError
from core.names import readable
from core.runtimes.base import check_agreement, probe_input
from core.system.cache import CONVERTED_NETWORKS

if TYPE_CHECKING:
    from core.models.bundle import Bundle

CACHE_LAYOUT = 1
MODEL_FILE, PROBE_FILE, COMPILED_FOLDER = "model.xml", "probe.npy", "compiled"
PROBLEM_FILE = "problem.txt"
# left to itself OpenVINO computes in bfloat16 where the processor can, which moves the logits
FLOAT32 = {"INFERENCE_PRECISION_HINT": "f32"}


def is_converted(bundle: Bundle) -> bool:
    """Return whether a bundle's network need not be converted any more: it has been, or it can't be."""
    key = _key(bundle)
    return _problem(key) != "" or CONVERTED_NETWORKS.find(key, MODEL_FILE, PROBE_FILE) is not None


def converted_network(bundle: Bundle) -> Path:
    """Return the folder of a verified bundle's converted network, converting it first where this has not been done.

    Raises:
        RuntimeUnavailableError: if OpenVINO can't convert it or does not agree with torch, or the converted network
            can't be written, e.g. because the disk is full.
    """
    key = _key(bundle)
    if problem := _problem(key):
        raise RuntimeUnavailableError(problem, remedy="Choose the torch runtime.")
    if (entry := CONVERTED_NETWORKS.find(key, MODEL_FILE, PROBE_FILE)) is not None:
        return entry
    try:
        with CONVERTED_NETWORKS.new(key) as folder:
            folder.mkdir()
            try:
                _convert(bundle, folder)
            except RuntimeUnavailableError as error:
                if _lacks_memory(error.__cause__):  # it may work another time
                    raise
                problem = error.problem
                (folder / PROBLEM_FILE).write_text(problem, encoding="utf-8")
    except WriteError as cause:
        place = readable(CONVERTED_NETWORKS.folder)
        raise RuntimeUnavailableError(
            f"The network converted for OpenVINO can't be kept in {place}. {cause.problem}",
            remedy=cause.remedy,
        ) from cause
    if problem:
        raise RuntimeUnavailableError(problem, remedy="Choose the torch runtime.")
    return CONVERTED_NETWORKS.entry(key)


def forget_conversion(bundle: Bundle) -> None:
    """Remove a bundle's converted network from the cache."""
    CONVERTED_NETWORKS.forget(_key(bundle))


def _key(bundle: Bundle) -> str:
    """Return the key of a bundle's converted network."""
    import openvino

    card = bundle.card
    facts = (CACHE_LAYOUT, openvino.__version__, card.weights_sha256, card.network, card.head, len(card.classes))
    shape = (card.preprocessing.height, card.preprocessing.width)
    return hashlib.sha256(repr((facts, shape)).encode()).hexdigest()[:32]


def _problem(key: str) -> str:
    """Return why a network can't be converted, as found before, or an empty string."""
    try:
        return (CONVERTED_NETWORKS.entry(key) / PROBLEM_FILE).read_text(encoding="utf-8")
    except OSError:
        return ""


def _lacks_memory(cause: BaseException | None) -> bool:
    return isinstance(cause, MemoryError) or "memory" in str(cause)


def _convert(bundle: Bundle, folder: Path) -> None:
    """Write the network as OpenVINO's own format, and torch's logits on the probe, into a folder.

    Raises:
        RuntimeUnavailableError: if OpenVINO can't convert it or does not agree with torch.
        OSError: if it can't be written.
    """
    import openvino
    import torch

    from core.models.architectures import with_maps

    card = bundle.card
    height, width = card.preprocessing.height, card.preprocessing.width
    network = with_maps(card.network, bundle.load_network())
    probe = probe_input(card.preprocessing)
    with torch.no_grad():
        expected = network(torch.from_numpy(probe))[0].numpy()
        batch = torch.export.Dim("batch", min=1, max=4096)
        try:
            program = torch.export.export(
                network, (torch.zeros(2, 3, height, width),), dynamic_shapes={"batch": {0: batch}}
            )
            model = openvino.convert_model(program)
            model.reshape([-1, 3, height, width])
            single = model.clone()
            single.reshape(list(probe.shape))
            found = openvino.Core().compile_model(single, "CPU", FLOAT32)({0: probe})[0]
        except Exception as cause:  # torch.export and the converter raise many kinds; torch itself still runs it
            raise RuntimeUnavailableError(f"OpenVINO can't convert this network ({type(cause).__name__}).") from cause
    check_agreement(found, expected, "OpenVINO")
    np.save(folder / PROBE_FILE, expected)
    try:
        openvino.save_model(model, folder / MODEL_FILE, compress_to_fp16=False)
    except RuntimeError as cause:  # it does not say what the system said
        full = shutil.disk_usage(folder).free < 4 * card.parameters
        raise OSError(errno.ENOSPC if full else errno.EIO, f"OpenVINO could not write {MODEL_FILE}") from cause
