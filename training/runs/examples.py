"""A few validation images of a run with what its network answered after the last epoch, for a person who watches."""

from __future__ import annotations

from training.runs.folder import RunFolder
from training.runs.records import Record, RunError, read_record

FILE = "examples.json"


class Example(Record):
    """One validation image and the network's answer.

    Attributes:
        picture: its file in the folder of examples, as the network gets it, a PNG.
        label: its class.
        predicted: the most probable class.
        probability: of that class, in [0, 1], not calibrated.
        heat_map: Grad-CAM for that class, rows of values in [0, 1]; empty where the network has none.
    """

    picture: str
    label: str
    predicted: str
    probability: float
    heat_map: tuple[tuple[float, ...], ...] = ()


class Examples(Record):
    """The examples of an epoch.

    Attributes:
        epoch: the epoch, from 0; -1 for none yet.
        examples: the images, always the same ones.
    """

    epoch: int = -1
    examples: tuple[Example, ...] = ()


def read_examples(folder: RunFolder) -> Examples:
    """Return the newest examples of a run; none where there are none that can be read."""
    try:
        return read_record(folder.examples / FILE, Examples)
    except RunError:
        return Examples()
