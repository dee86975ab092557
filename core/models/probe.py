"""The probe: a fixed input on which all runtimes are compared. A bundle's card holds torch's logits of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.images.preprocessing import Preprocessing

WORD, HALF = np.uint64(2**32), np.uint64(15)
KNUTH = np.uint64(2654435761)  # the multiplier of his multiplicative hash, close to 2³² / golden ratio


def probe_input(how: Preprocessing) -> npt.NDArray[np.float32]:
    """Return the probe of shape (1, 3, H, W), float32, about -2 to 2: smooth waves and noise.

    The noise is a hash of a value's place, not of a generator whose numbers may be others in another version.

    Args:
        how: says height and width; nothing else counts.
    """
    rows = np.linspace(0, 3 * np.pi, how.height)[:, None]
    columns = np.linspace(0, 2 * np.pi, how.width)[None, :]
    waves = np.stack([np.sin(rows + columns), np.cos(rows) * np.sin(columns), np.cos(2 * columns) + 0 * rows])
    place = np.arange(waves.size, dtype=np.uint64).reshape(waves.shape)
    hashed = place * KNUTH % WORD
    hashed = (hashed ^ (hashed >> HALF)) * KNUTH % WORD
    return np.asarray((waves + hashed / 2**31 - 1)[None], dtype=np.float32)
