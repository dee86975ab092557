"""How weights are packed for storage: float32, float16, or int8 with a scale for each output channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import BundleError
from core.models.card import Storage

QUANTISED = ".int8"
SCALE = ".scale"

Array = npt.NDArray[np.generic]
State = dict[str, Array]


def pack_state(state: State, storage: Storage) -> State:
    """Pack float32 tensors for storage.

    ``float16`` halves every floating tensor. ``int8`` stores each tensor of two or more axes as ``KEY.int8`` with one
    float32 ``KEY.scale`` per output channel (weight = int8 · scale, scale = max|weight| / 127); vectors stay float32.
    """
    packed: State = {}
    for key, value in state.items():
        floating = np.issubdtype(value.dtype, np.floating)
        if floating and storage == "float16":
            packed[key] = value.astype(np.float16)
        elif floating and storage == "int8" and value.ndim >= 2:
            scale = np.abs(value).reshape(len(value), -1).max(axis=1).astype(np.float32) / 127
            steps = value / np.where(scale > 0, scale, 1).reshape(-1, *[1] * (value.ndim - 1))
            packed[key + QUANTISED] = np.rint(steps).astype(np.int8)
            packed[key + SCALE] = scale
        else:
            packed[key] = value
    return {key: np.asarray(value, order="C") for key, value in packed.items()}


def unpack_state(stored: State, path: Path | None = None) -> State:
    """Undo :func:`pack_state`: floating tensors come back as float32.

    Args:
        stored: packed tensors by key.
        path: the file they came from, for the message.

    Raises:
        BundleError: if a quantised tensor has no scale of one value per output channel.
    """
    state: State = {}
    for key, value in stored.items():
        if key.endswith(QUANTISED):
            name = key.removesuffix(QUANTISED)
            scale = stored.get(name + SCALE)
            if scale is None or scale.shape != value.shape[:1]:
                raise BundleError(
                    f"The quantised tensor {name!r} has no scale for each of its output channels.",
                    path=path,
                    remedy="Install the bundle again.",
                )
            state[name] = value.astype(np.float32) * scale.astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
        elif key.endswith(SCALE) and key.removesuffix(SCALE) + QUANTISED in stored:
            continue
        else:
            state[key] = value.astype(np.float32) if np.issubdtype(value.dtype, np.floating) else value
    return state
