import numpy as np
import pytest

from core.errors import BundleError
from core.images.preprocessing import Preprocessing, to_network_input
from core.uncertainty.novelty import NoveltyGate, View, nearest, novelty_scores, read_gate
from core.uncertainty.thumbnail import (
    CHANNELS,
    COLOUR_SIZE,
    EXPOSURE_SIZE,
    LAYOUT_SIZE,
    exposure_features,
    likeness_features,
    thumbnail,
)


def test_edges_are_told_by_their_direction_not_their_sign():
    waves = np.sin(np.linspace(0, 40, 224, dtype=np.float32))[:, None] * np.ones(224, np.float32)
    how = Preprocessing(channels="grey")

    def edges(picture):
        found = thumbnail(to_network_input((picture / 2 + 0.5).astype(np.float32), how), how)[0, 4:12]
        return found.mean(axis=(1, 2)) / found.mean(axis=(1, 2)).sum()

    assert edges(waves)[4] > 0.95  # they run across, the gradient points down: half of half a turn
    np.testing.assert_allclose(edges(-waves), edges(waves), atol=1e-3)
    across = edges(waves.T)
    assert across[0] + across[7] > 0.95


def test_a_thumbnail_is_the_mean_and_spread_of_each_field_of_the_shown_picture():
    picture = np.random.default_rng(0).random((224, 224, 3), dtype=np.float32)
    how = Preprocessing()
    found = thumbnail(to_network_input(picture, how), how)[0]
    fields = picture.reshape(16, 14, 16, 14, 3)
    np.testing.assert_allclose(found[:3], fields.mean(axis=(1, 3)).transpose(2, 0, 1), atol=1e-5)
    np.testing.assert_allclose(found[3], fields.mean(axis=4).std(axis=(1, 3)), atol=1e-4)


def test_the_layout_is_the_same_at_any_exposure_and_contrast_but_not_turned_inverted_or_blank():
    random = np.random.default_rng(0)
    picture = np.repeat(random.random((1, 1, 16, 16)), CHANNELS, axis=1)
    row = likeness_features(picture, by_layout=True)
    assert row.shape == (1, LAYOUT_SIZE)

    def off(other):
        return float(nearest(row, likeness_features(other, by_layout=True))[0])

    brighter = 0.6 * picture
    brighter[:, :4] += 0.2  # edges gain no offset
    assert off(brighter) < 0.1
    for other in (np.rot90(picture, axes=(2, 3)), 1 - picture, np.full_like(picture, 0.5)):
        assert off(other) > 1


def test_colours_and_grain_count_where_there_is_no_layout():
    thumbnails = np.random.default_rng(0).random((5, CHANNELS, 16, 16))
    rows = likeness_features(thumbnails, by_layout=False)
    assert rows.shape == (5, COLOUR_SIZE)
    grey = thumbnails.copy()
    grey[:, :3] = grey[:, :3].mean(axis=1, keepdims=True)
    smooth = thumbnails.copy()
    smooth[:, 3] = 0
    for other in (grey, smooth):
        assert (np.linalg.norm(likeness_features(other, by_layout=False) - rows, axis=1) > 1).all()


def test_distances_are_those_of_the_literal_loop():
    random = np.random.default_rng(0)
    centres, rows = random.normal(size=(4, 7)), random.normal(size=(9, 7))
    expected = [min(np.linalg.norm(row - centre) for centre in centres) for row in rows]
    np.testing.assert_allclose(nearest(centres, rows), expected)


def test_the_score_grows_near_a_decoy():
    to_centre, to_decoy = np.array([1.0, 1.0, 1.0, 1.0]), np.array([np.inf, 4.0, 1.0, 0.0])
    scores = novelty_scores(to_centre, to_decoy, reach=2.0)
    np.testing.assert_allclose(scores[:3], [1, 1, 2])
    assert scores[3] > 1e5
    assert np.isfinite(scores).all()


def view(size, **more):
    return View(np.ones((2, size)), 1.5, np.zeros((0, size)), 0.0, **more)


GOOD = NoveltyGate(
    view(COLOUR_SIZE), view(3, mean=np.zeros(EXPOSURE_SIZE + 4), matrix=np.ones((EXPOSURE_SIZE + 4, 3)))
).state()


def test_the_gates_score_is_the_larger_of_both_tests():
    random = np.random.default_rng(0)
    thumbnails = random.random((6, CHANNELS, 16, 16))
    rows, shown = likeness_features(thumbnails, by_layout=False), exposure_features(thumbnails, colour=True)
    likeness, exposure = View(rows[:3], 2.0, rows[:0], 0.0), View(shown[3:], 0.5, shown[:0], 0.0)
    expected = np.maximum(nearest(rows[:3], rows) / 2.0, nearest(shown[3:], shown) / 0.5)
    np.testing.assert_allclose(NoveltyGate(likeness, exposure).scores(thumbnails), expected)


def test_exposure_features_follow_brightness_contrast_and_sharpness():
    import cv2

    random = np.random.default_rng(0)
    picture = cv2.GaussianBlur(random.random((224, 224), dtype=np.float32), (0, 0), 4)
    picture = (picture - picture.min()) / np.ptp(picture) * 0.8 + 0.1
    how = Preprocessing(channels="grey")

    def seen(other):
        return exposure_features(thumbnail(to_network_input(other, how), how), colour=False)[0]

    own, dark, flat = seen(picture), seen(picture / 4), seen(0.4 + 0.2 * picture)
    assert own.shape == (EXPOSURE_SIZE,)
    np.testing.assert_allclose(dark[:7], own[:7] / 4, atol=0.01)  # quantiles
    np.testing.assert_allclose(flat[:7], 0.4 + 0.2 * own[:7], atol=0.01)
    black, white, steps, equal = range(7, 11)
    assert own[black] == own[white] == own[steps] == 0
    assert seen(np.clip(8 * picture - 3.5, 0, 1))[white] > 0.2
    assert seen(np.clip(8 * picture - 3.5, 0, 1))[black] > 0.2
    assert seen(3 * picture % 1)[steps] > 0.1
    assert seen(np.floor(picture * 4) / 4)[equal] > own[equal] + 0.3
    assert seen(cv2.GaussianBlur(picture, (0, 0), 6))[11] < own[11] - 1  # fine detail


def test_a_gate_without_an_exposure_test_uses_likeness_only():
    random = np.random.default_rng(0)
    older = {"centres": random.normal(size=(3, LAYOUT_SIZE)).astype(np.float16), "threshold": np.ones(1, np.float32)}
    newer = {**older, "decoys": older["centres"] + 1, "reach": np.ones(1, np.float32)}
    thumbnails = random.random((4, CHANNELS, 16, 16))
    rows = likeness_features(thumbnails, by_layout=True)
    centres, decoys = (newer[name].astype(np.float64) for name in ("centres", "decoys"))
    np.testing.assert_allclose(read_gate(older).scores(thumbnails), nearest(centres, rows))
    expected = novelty_scores(nearest(centres, rows), nearest(decoys, rows), 1.0)
    np.testing.assert_allclose(read_gate(newer).scores(thumbnails), expected)


@pytest.mark.parametrize(
    "broken",
    [
        {"centres": GOOD["centres"]},
        {**GOOD, "more": np.zeros(1)},
        {**GOOD, "centres": np.zeros((2, 5), np.float16)},
        {**GOOD, "centres": np.full((2, COLOUR_SIZE), np.nan, np.float16)},
        {**GOOD, "threshold": np.zeros(1, np.float32)},
        {**GOOD, "threshold": np.full(1, np.nan, np.float32)},
        {**GOOD, "decoys": np.zeros((2, 5), np.float16)},
        {**GOOD, "decoys": np.full((1, COLOUR_SIZE), np.inf, np.float16)},
        {**GOOD, "reach": np.full(1, -1, np.float32)},
        {**GOOD, "reach": np.zeros(2, np.float32)},
        {**GOOD, "mean": np.zeros(COLOUR_SIZE), "matrix": np.zeros((COLOUR_SIZE, COLOUR_SIZE))},
        {**GOOD, "exposure_threshold": np.zeros(1, np.float32)},
        {**GOOD, "exposure_mean": np.zeros(EXPOSURE_SIZE, np.float32)},
        {**GOOD, "exposure_matrix": np.full((EXPOSURE_SIZE + 4, 3), np.nan, np.float32)},
        {name: values for name, values in GOOD.items() if name != "exposure_centres"},
        {name: values for name, values in GOOD.items() if name not in ("exposure_mean", "exposure_matrix")},
    ],
)
def test_statistics_that_make_no_gate_are_refused(broken):
    assert read_gate(GOOD).exposure.threshold == 1.5
    with pytest.raises(BundleError, match="novelty statistics"):
        read_gate(broken)
