"""How weights are packed for storage: float32, float16, or int8 with a scale for each output channel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import BundleError
from core.models.card import Storage

QUANTISED = ".int8"
SCALE = ".scale"
MOST_ROUNDING = 0.03  # of a tensor's norm that int8 may change; normally distributed weights lose about 0.015

Array = npt.NDArray[np.generic]
State = dict[str, Array]


def pack_state(state: State, storage: Storage) -> State:
    """Pack float32 tensors for storage.

    ``float16`` halves every floating tensor whose values it can hold, up to 65,504 (a batch norm's variances can be
    larger). ``int8`` stores each tensor of two or more axes as ``KEY.int8`` with one float32 ``KEY.scale`` per output
    channel (weight = int8 · scale, scale = max|weight| / 127); vectors stay float32. Where one weight dwarfs the others
    of its channel, as in a convolution that began as an identity, the steps are too coarse for these: a tensor that
    int8 would change by more than ``MOST_ROUNDING`` of its norm becomes float16.
    """
    packed: State = {}
    for key, value in state.items():
        floating = np.issubdtype(value.dtype, np.floating)
        if floating and storage == "float16":
            packed[key] = _halved(value)
        elif floating and storage == "int8" and value.ndim >= 2:
            packed |= _quantised(key, value)
        else:
            packed[key] = value
    return {key: np.asarray(value, order="C") for key, value in packed.items()}


def _halved(value: Array) -> Array:
    return value.astype(np.float16) if np.abs(value).max(initial=0) <= np.finfo(np.float16).max else value


def _quantised(key: str, value: Array) -> State:
    scale = np.abs(value).reshape(len(value), -1).max(axis=1).astype(np.float32) / 127
    by_channel = np.where(scale > 0, scale, 1).reshape(-1, *[1] * (value.ndim - 1))
    steps = np.rint(value / by_channel)
    if np.linalg.norm(steps * by_channel - value) > MOST_ROUNDING * np.linalg.norm(value):
        return {key: _halved(value)}
    return {key + QUANTISED: steps.astype(np.int8), key + SCALE: scale}


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
