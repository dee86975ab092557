"""Where the pixels of an image lie: positions on the image, and places on the plane on which it is turned and seen.

A position is a column and a row, 0 being the outer edge of the first; where pixels are not square, their longer side is
more than one. The plane is what the screen shows a part of: the image as it is turned, its corner at (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QTransform

from core.images.medical_image import MedicalImage
from gui.comparison.orientation import AS_IN_FILE, Orientation


@dataclass(frozen=True)
class ImagePlane:
    """The geometry of an image that is shown; without an image that of one pixel.

    Attributes:
        image: the image, or None.
        orientation: how it is turned.
    """

    image: MedicalImage | None = None
    orientation: Orientation = AS_IN_FILE

    @property
    def stretch(self) -> tuple[float, float]:
        """Width and height of a pixel of the image; the longer side is more than one."""
        aspect = 1.0 if self.image is None else self.image.pixel_aspect
        return (1.0, aspect) if aspect >= 1 else (1 / aspect, 1.0)

    @property
    def extent(self) -> QRectF:
        """The whole image in positions."""
        if self.image is None:
            return QRectF(0, 0, 1, 1)
        across, down = self.stretch
        return QRectF(0, 0, self.image.width * across, self.image.height * down)

    @property
    def seen_extent(self) -> QRectF:
        """The whole image on the plane."""
        extent = self.extent
        return QRectF(0, 0, *self.orientation.size(extent.width(), extent.height()))

    @property
    def transform(self) -> QTransform:
        """What takes positions to the plane."""
        extent = self.extent
        width, height = extent.width(), extent.height()
        made = QTransform(-1, 0, 0, 1, width, 0) if self.orientation.mirrored else QTransform()
        for _ in range(self.orientation.turns):
            made *= QTransform(0, 1, -1, 0, height, 0)  # (x, y) goes to (height − y, x)
            width, height = height, width
        return made

    @property
    def inverse(self) -> QTransform:
        """What takes the plane to positions."""
        return self.transform.inverted()[0]

    @property
    def millimetres(self) -> float | None:
        """Length of one unit of both, in mm; None where the file does not state it."""
        if self.image is None or self.image.spacing is None:
            return None
        return self.image.spacing[1] / self.stretch[0]

    def pixel(self, position: tuple[float, float]) -> tuple[float, float]:
        """Return a position as columns and rows, which are counted in pixels whatever their shape."""
        across, down = self.stretch
        return position[0] / across, position[1] / down

    def position(self, pixel: tuple[float, float]) -> QPointF:
        """Return columns and rows as a position."""
        across, down = self.stretch
        return QPointF(pixel[0] * across, pixel[1] * down)
