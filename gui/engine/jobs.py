"""What the engine's thread can be asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.compare.session import Choice, ExplainedClass


@dataclass(frozen=True)
class WarmUp:
    """Load the models that the first image will most likely need.

    Attributes:
        choice: what is compared.
    """

    choice: Choice


@dataclass(frozen=True)
class CompareImage:
    """Open, compare and explain an image for the screen, before all other work.

    Attributes:
        ticket: its number; what comes back carries it, so that events of an earlier one can be told apart.
        path: the file.
        choice: what is compared.
        explained: the class to explain, as :meth:`core.compare.session.ComparisonSession.compare` takes it.
        frame: which frame of the file; results of others than the first are for the screen alone.
    """

    ticket: int
    path: Path
    choice: Choice
    explained: ExplainedClass = None
    frame: int = 0


@dataclass(frozen=True)
class ClearScreen:
    """Stop refining what is on screen.

    Attributes:
        ticket: makes events of the image that was on screen outdated.
    """

    ticket: int


@dataclass(frozen=True)
class AnalyseFiles:
    """Compare files whenever the image on screen leaves time, in place of those asked for before.

    Attributes:
        paths: the files.
        choice: what is compared.
        paused: whether it waits until it is resumed.
    """

    paths: tuple[Path, ...]
    choice: Choice
    paused: bool = False


@dataclass(frozen=True)
class ForgetModels:
    """Let go of all models and read anew what is installed, before the next job."""


Job = WarmUp | CompareImage | ClearScreen | AnalyseFiles | ForgetModels
