"""How an image is turned for the eye: quarter turns and mirroring, and which edge then lies where in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

OPPOSITE = str.maketrans("APRLHF", "PALRFH")


@dataclass(frozen=True)
class Edges:
    """Where in the patient the edges of a picture lie, in DICOM's letters; empty where it is not known."""

    left: str = ""
    top: str = ""
    right: str = ""
    bottom: str = ""


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay an image down.

    Attributes:
        turns: quarter turns clockwise, in 0 … 3; they come after the mirroring.
        mirrored: whether left and right of the file change places.
    """

    turns: int = 0
    mirrored: bool = False

    def rotated(self, quarters: int) -> Orientation:
        """Return this one turned further by so many quarters clockwise, as it is seen."""
        return Orientation((self.turns + quarters) % 4, self.mirrored)

    def flipped(self, across: bool) -> Orientation:
        """Return this one with left and right as they are seen exchanged, or with top and bottom."""
        return Orientation((-self.turns if across else 2 - self.turns) % 4, not self.mirrored)

    @property
    def words(self) -> str:
        """What was done to the image, for a person; empty where it is as in the file."""
        if not self.mirrored:
            return f"rotated {90 * self.turns}°" if self.turns else ""
        return ("flipped left to right", "flipped, rotated 90°", "flipped top to bottom", "flipped, rotated 270°")[
            self.turns
        ]

    def applied(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an image so turned; shape (H, W[, …])."""
        mirrored = pixels[:, ::-1] if self.mirrored else pixels
        return np.ascontiguousarray(np.rot90(mirrored, -self.turns))

    def size(self, width: float, height: float) -> tuple[float, float]:
        """Return width and height of an image so turned."""
        return (height, width) if self.turns % 2 else (width, height)

    def edges(self, directions: tuple[str, str] | None) -> Edges:
        """Return the letters of the edges as they are seen.

        Args:
            directions: where in the patient the file's last column and last row lie, or None.
        """
        if directions is None:
            return Edges()
        right, bottom = directions
        around = [bottom.translate(OPPOSITE), right, bottom, right.translate(OPPOSITE)]  # top, then clockwise
        if self.mirrored:
            around[1], around[3] = around[3], around[1]
        top, right, bottom, left = np.roll(around, self.turns).tolist()
        return Edges(left, top, right, bottom)


AS_IN_FILE = Orientation()
