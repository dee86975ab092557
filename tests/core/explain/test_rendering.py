import matplotlib
import numpy as np
import pytest

from core.explain.rendering import COLOUR_MAPS, blended, colour_bar, colour_table, coloured, contours, difference


@pytest.mark.parametrize("name", [name for name in COLOUR_MAPS if name != "jet"])  # matplotlib's jet is another one
def test_colour_tables_are_matplotlibs(name):
    theirs = np.rint(matplotlib.colormaps[name](np.arange(256))[:, :3] * 255)
    assert np.abs(colour_table(name).astype(int) - theirs).max() <= 2


def test_a_map_is_clear_where_low_and_hidden_below_the_threshold():
    values = np.array([[0.0, 0.2, 0.6, 1.0]], np.float32)
    alpha = coloured(values, "inferno", opacity=0.5)[0, :, 3]
    assert alpha[0] == 0
    assert 0 < alpha[1] < alpha[2] == alpha[3] == 128
    assert coloured(values, "inferno", threshold=0.5)[0, :, 3].tolist()[:2] == [0, 0]


def test_blending_is_the_over_operator():
    picture = np.full((1, 2), 0.5, np.float32)
    layer = np.array([[[255, 0, 0, 255], [255, 0, 0, 0]]], np.uint8)
    assert blended(picture, layer).tolist() == [[[255, 0, 0], [128, 128, 128]]]


def test_a_difference_shows_whose_map_is_stronger():
    one, none = np.ones((1, 1), np.float32), np.zeros((1, 1), np.float32)
    teachers, students = difference(one, none, 1.0)[0, 0], difference(none, one, 1.0)[0, 0]
    assert teachers[3] == students[3] == 255
    assert teachers[0] > students[0]
    assert difference(one, one)[0, 0, 3] == 0


def test_contours_enclose_the_top_share():
    values = np.zeros((50, 50), np.float32)
    values[10:20, 30:40] = 1
    (outline,) = contours(values, 100 / 2500)
    assert outline.min(axis=0).tolist() == pytest.approx([29.5, 9.5], abs=0.25)
    assert outline.max(axis=0).tolist() == pytest.approx([39.5, 19.5], abs=0.25)
    assert contours(np.zeros((5, 5), np.float32)) == []


def test_contours_are_smooth_between_the_pixels():
    rows, columns = np.mgrid[:40, :40].astype(np.float32)
    distance = np.hypot(rows - 18.3, columns - 21.6)
    (outline,) = contours(np.exp(-((distance / 9) ** 2)), 0.2)
    radii = np.hypot(outline[:, 0] - 21.6, outline[:, 1] - 18.3)
    expected = np.sqrt(0.2 * 1600 / np.pi)
    assert np.abs(radii - expected).max() < 0.35  # of a pixel of the map


def test_the_colour_bar_has_its_highest_value_on_top():
    bar = colour_bar("viridis", 100, 4)
    assert bar.shape == (100, 4, 3)
    assert (bar[0, 0] == colour_table("viridis")[255]).all()
    assert (bar[-1, 0] == colour_table("viridis")[0]).all()
