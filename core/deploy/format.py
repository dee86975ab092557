"""What a format of deployed models is: its file, and how that is written, labelled and run. ``formats`` lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from core.deploy.pictures import Pictures
    from core.models.bundle import Bundle

FloatArray = npt.NDArray[np.float32]
Precision = Literal["float32", "float16", "int8"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")
Network: TypeAlias = Callable[[FloatArray], FloatArray]  # one image (1, 3, H, W) to its logits (1, C)

FACTS_KEY = "twinlens"  # under which a file holds the facts about its model, as JSON
INPUT, LOGITS = "image", "logits"  # names of the graph's input and first output


@dataclass(frozen=True, eq=False)
class Order:
    """What is to be written.

    Attributes:
        bundle: the model.
        precision: how its weights are stored; with ``int8``, how most of it is computed, too.
        validation: labelled images for ``int8``, None for the others: they set the ranges, and the accuracy on them is
            what is controlled.
        max_loss: the largest loss of accuracy by ``int8``, in [0, 1].
        threads: CPU threads.
    """

    bundle: Bundle
    precision: Precision
    validation: Pictures | None = None
    max_loss: float = 0.01
    threads: int = 1


@dataclass(frozen=True)
class ModelFormat:
    """A format that a model can be written in.

    Attributes:
        id: its name on the command line.
        title: its name for a person.
        tip: what runs it, in a line.
        file: the name of the model's file.
        precisions: those that it can be written in.
        needs: modules that must be installed to write it.
        needs_for_int8: modules that int8 needs, too.
        extra: the optional part of the program that installs them.
        write: writes a bundle's file in float32, without facts.
        write_smaller: writes the file in the ordered precision, from that in float32.
        label: puts facts, as JSON, into the file.
        open: makes a network of the file, which takes a number of CPU threads.
        calibrated: whether its logits are already divided by the temperature.
    """

    id: str
    title: str
    tip: str
    file: str
    precisions: tuple[Precision, ...]
    needs: tuple[str, ...]
    needs_for_int8: tuple[str, ...]
    extra: str
    write: Callable[[Bundle, Path], None]
    write_smaller: Callable[[Path, Order, Path], None]
    label: Callable[[Path, str], None]
    open: Callable[[Path, int], Network]
    calibrated: bool = False
