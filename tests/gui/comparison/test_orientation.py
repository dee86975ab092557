"""How an image is turned: pixels, positions and letters agree, in all eight ways."""

from itertools import product

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from gui.comparison.image_plane import ImagePlane
from gui.comparison.orientation import AS_IN_FILE, Edges, Orientation
from tests.gui.comparison_samples import picture

ALL = [Orientation(turns, mirrored) for turns, mirrored in product(range(4), (False, True))]


@pytest.mark.parametrize("orientation", ALL, ids=str)
def test_a_position_goes_where_its_pixel_goes(orientation):
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5)
    turned = orientation.applied(pixels)
    plane = ImagePlane(picture(pixels), orientation)
    assert turned.shape[::-1] == (plane.seen_extent.width(), plane.seen_extent.height())
    for row, column in np.ndindex(*pixels.shape):
        at = plane.transform.map(QPointF(column + 0.5, row + 0.5))
        assert turned[int(at.y()), int(at.x())] == pixels[row, column]
        back = plane.inverse.map(at)
        assert (back.x(), back.y()) == pytest.approx((column + 0.5, row + 0.5))


@pytest.mark.parametrize("orientation", ALL, ids=str)
def test_further_turns_are_of_what_is_seen(orientation):
    pixels = np.arange(6).reshape(2, 3)
    seen = orientation.applied(pixels)
    for changed, expected in (
        (orientation.rotated(1), np.rot90(seen, -1)),
        (orientation.rotated(-1), np.rot90(seen)),
        (orientation.flipped(across=True), seen[:, ::-1]),
        (orientation.flipped(across=False), seen[::-1]),
    ):
        np.testing.assert_array_equal(changed.applied(pixels), expected)
    assert orientation.flipped(across=True).flipped(across=True) == orientation


@pytest.mark.parametrize("orientation", ALL, ids=str)
def test_letters_stay_with_their_edges(orientation):
    marks = np.zeros((5, 5), int)  # the file's right edge is L, its lower one is F
    marks[2, 0], marks[0, 2], marks[2, 4], marks[4, 2] = 1, 2, 3, 4
    seen = orientation.applied(marks)
    letters = {1: "R", 2: "H", 3: "L", 4: "F"}
    expected = Edges(*(letters[seen[place]] for place in ((2, 0), (0, 2), (2, 4), (4, 2))))
    assert orientation.edges(("L", "F")) == expected


def test_letters_of_oblique_images_and_of_none():
    assert AS_IN_FILE.edges(("LA", "FP")) == Edges("RP", "HA", "LA", "FP")
    assert Orientation(1).edges(None) == Edges()


def test_pixels_that_are_not_square_keep_their_shape():
    plane = ImagePlane(picture(np.zeros((10, 20), np.uint8), pixel_aspect=2.0, spacing=(0.4, 0.2)), Orientation(1))
    assert (plane.seen_extent.width(), plane.seen_extent.height()) == (20, 20)
    assert plane.millimetres == 0.2
    assert plane.pixel((3.0, 8.0)) == (3.0, 4.0)


def test_what_was_done_is_said():
    assert AS_IN_FILE.words == ""
    assert AS_IN_FILE.rotated(1).words == "rotated 90°"
    assert AS_IN_FILE.flipped(across=True).words == "flipped left to right"
    assert AS_IN_FILE.flipped(across=False).words == "flipped top to bottom"
