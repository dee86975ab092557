"""Weights of one of timm's networks, trained anywhere, as a bundle; torch and timm are needed for this once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.errors import BundleError
from core.models.architectures import count_macs, count_parameters, get_architecture
from core.models.bundle import FILE_LIMITS, WEIGHTS_FILE, Bundle
from core.models.bundle_writing import write_bundle
from core.models.card import Card
from core.models.catalogue import install
from core.models.graph_export import trace_network
from core.models.own_form import Form
from core.models.own_networks import stated_card
from core.models.packing import State
from core.models.timm_networks import PREFIX, pretrained_config


def import_timm(source: Path, form: Form, try_out: Callable[[Bundle], object]) -> Bundle:
    """Make weights of one of timm's networks (safetensors) a bundle of the user's own; torch and timm are needed.

    Args:
        source: the file; its keys are timm's.
        form: what it is; its name is timm's.
        try_out: as in :func:`import_onnx`.

    Raises:
        BundleError: if the file does not hold the weights of this network with so many classes.
        UsageError: if timm has no such network, or torch is not installed.
        WriteError: if it can't be written; nothing is left behind then.
    """
    known = pretrained_config(form.name)
    network = f"{PREFIX}{form.name}"
    how = form.preprocessing(form.size or known.input_size[1:])
    state = _read_state(source)
    module = get_architecture(network).build(len(form.classes), "gap", how.size)
    card = Card(
        **stated_card(source, form, "Weights of timm's network, imported.", "another program"),
        network=network,
        preprocessing=how,
        storage="float32",
        parameters=count_parameters(module),
        macs=max(1, count_macs(module, *how.size)),
    )
    floats = {key: value.astype(np.float32) if value.dtype.kind == "f" else value for key, value in state.items()}

    def fill(folder: Path) -> None:
        write_bundle(folder, floats, card, traced=trace_network(card))

    return install(source, fill, try_out)


def timm_form(form: Form) -> Form:
    """Return a form with mean and deviation as timm states them for its standard weights.

    Raises:
        UsageError: if timm has no such network.
    """
    known = pretrained_config(form.name)
    red, green, blue = known.mean
    wide = known.std
    return replace(form, mean=(red, green, blue), std=(wide[0], wide[1], wide[2]))


def _read_state(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        if not path.is_file() or path.stat().st_size > FILE_LIMITS[WEIGHTS_FILE]:
            raise BundleError("This is no file of up to 2 GB.", path=path, remedy="Choose a .safetensors file.")
        state: State = load_file(path)
    except (SafetensorError, ValueError, TypeError, KeyError, OSError) as cause:
        raise BundleError(
            f"The file is not readable as safetensors of NumPy's types ({cause}).",
            path=path,
            remedy="Save the state dict in float32 with safetensors.torch.save_file.",
        ) from cause
    return state
