"""Which part of a whole slide an image is, as its file's name states it in the way of QuPath's exported tiles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

STATED = re.compile(
    r"\[(?:d=\d+(?:\.\d+)?,)?x=(-?\d{1,9}),y=(-?\d{1,9}),w=(\d{1,9}),h=(\d{1,9})(?:,z=\d+)?(?:,t=\d+)?\]"
)


@dataclass(frozen=True)
class Region:
    """A rectangle of a whole slide, in pixels of its full resolution (level 0).

    Attributes:
        x: left edge.
        y: top edge.
        width: number of columns, at least 1.
        height: number of rows, at least 1.
    """

    x: int
    y: int
    width: int
    height: int

    @classmethod
    def stated(cls, name: str) -> Self | None:
        """Return the region that a file's name states, e.g. ``a [d=2,x=10,y=20,w=64,h=64].tif``, or None."""
        found = STATED.search(name)
        return None if found is None else cls(*map(int, found.groups()))

    def statement(self, downsample: float) -> str:
        """Return how a name states it.

        Args:
            downsample: pixels of level 0 along a pixel of the image.
        """
        return f"[d={downsample:.6g},x={self.x},y={self.y},w={self.width},h={self.height}]"
