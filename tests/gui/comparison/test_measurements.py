"""Distances, angles and values, against figures worked out by hand or by NumPy."""

import numpy as np
import pytest

from gui.comparison.image_marks import length_words, nice_length
from gui.comparison.measurements import Measurement, angle, area, length, values, words
from gui.comparison.measuring import MeasurementList
from tests.gui.comparison_samples import picture


def image(**more):
    return picture(np.random.default_rng(3).integers(0, 60_000, (40, 50), dtype=np.uint16), bits=16, **more)


def test_a_distance_is_in_mm_where_the_file_states_how_large_a_pixel_is():
    spaced = image(spacing=(0.5, 0.2), pixel_aspect=2.5)
    assert length(spaced, (0, 0), (15, 8)) == pytest.approx(5)  # 3 mm across, 4 mm down
    assert length(image(), (0, 0), (3, 4)) == 5
    tall = image(pixel_aspect=2.0)
    assert length(tall, (0, 0), (3, 2)) == 5  # two rows are as high as four columns are wide
    ends = Measurement("distance", ((0, 0), (15, 8)))
    assert words(ends, spaced) == "5.00 mm"
    assert words(ends, image(spacing=(0.2, 0.2), spacing_at_detector=True)) == "3.40 mm at the detector"
    assert words(ends, image()) == "17.0 px"


def test_an_angle_is_that_of_the_patient_not_of_the_pixels():
    assert angle(image(), (10, 0), (0, 0), (0, 10)) == pytest.approx(90)
    assert angle(image(), (10, 0), (0, 0), (10, 10)) == pytest.approx(45)
    assert angle(image(), (-10, 1e-9), (0, 0), (-10, -1e-9)) == pytest.approx(0, abs=1e-6)
    assert angle(image(), (-10, 0), (0, 0), (10, 0)) == pytest.approx(180)
    stretched = image(spacing=(0.4, 0.2), pixel_aspect=2.0)
    assert angle(stretched, (10, 0), (0, 0), (10, 5)) == pytest.approx(45)
    assert words(Measurement("angle", ((10, 0), (0, 0), (0, 10))), image()) == "90.0°"


def test_an_ellipse_counts_the_files_own_values():
    made = image()
    rows, columns = np.mgrid[0:40, 0:50] + 0.5
    inside = ((columns - 20) / 10) ** 2 + ((rows - 15) / 5) ** 2 <= 1
    expected = made.pixels[inside].astype(float)
    for corners in (((10, 10), (30, 20)), ((30, 20), (10, 10)), ((30, 10), (10, 20))):
        found = values(made, *corners)
        assert found.pixels == inside.sum()
        assert found.mean == (pytest.approx(expected.mean()),)
        assert found.deviation == (pytest.approx(expected.std()),)
    assert area(made, (10, 10), (30, 20)) == pytest.approx(np.pi * 50)
    assert area(image(spacing=(0.5, 0.5)), (10, 10), (30, 20)) == pytest.approx(np.pi * 12.5)


def test_what_is_beyond_the_image_or_padding_does_not_count():
    padding = np.zeros((40, 50), bool)
    padding[:, :25] = True
    padded = image(padding=padding)
    assert values(padded, (0, 0), (20, 20)).pixels == 0
    assert values(padded, (0, 0), (50, 40)).pixels == pytest.approx(values(image(), (0, 0), (50, 40)).pixels / 2)
    assert values(image(), (-30, -30), (-5, -5)).pixels == 0
    assert values(image(), (100, 100), (120, 120)).pixels == 0
    assert values(image(), (-10, -10), (60, 50)).pixels == 40 * 50
    assert values(image(), (5, 5), (5, 30)).pixels == 0
    assert words(Measurement("ellipse", ((100, 100), (120, 120))), image()) == "0 pixels"


def test_colours_have_a_figure_each():
    flat = picture(np.full((20, 20, 3), (10, 20, 30), np.uint8))
    assert values(flat, (2, 2), (18, 18)).mean == (10, 20, 30)
    lines = words(Measurement("ellipse", ((2, 2), (18, 18))), flat).splitlines()
    assert lines[:2] == ["mean 10.0 20.0 30.0", "SD 0 0 0"]


def test_points_are_set_one_after_the_other_and_come_back_with_their_image():
    first, second = image(), picture(np.zeros((9, 9), np.uint8))
    listed = MeasurementList()
    listed.show_image(first)
    for point in ((1, 1), (5, 5), (9, 1)):
        listed.place("angle", point)
    assert listed.found == [Measurement("angle", ((1, 1), (5, 5), (9, 1)))]
    listed.place("distance", (2, 2))
    listed.hover((3, 3))
    assert listed.draft == Measurement("distance", ((2, 2), (3, 3)))
    listed.place("distance", (2, 2))  # no distance is zero
    assert len(listed.found) == 1
    assert listed.cancel()
    assert not listed.cancel()
    second = picture(np.zeros((9, 9), np.uint8))
    listed.show_image(type(second)(**{**vars(second), "digest": "1" * 64}))
    assert listed.found == []
    listed.show_image(first)
    assert len(listed.found) == 1
    listed.delete()
    listed.show_image(first)
    assert listed.found == []


@pytest.mark.parametrize(("most", "length"), [(7.3, 5), (2.0, 2), (19.9, 10), (0.0034, 0.002), (480, 200)])
def test_a_scale_bar_has_a_round_length(most, length):
    assert nice_length(most) == pytest.approx(length)


def test_lengths_in_words():
    assert [length_words(mm) for mm in (100, 10, 5, 0.5, 0.02)] == ["10 cm", "1 cm", "5 mm", "0.5 mm", "20 µm"]
