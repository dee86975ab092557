import numpy as np
import pytest

from core.errors import BundleError
from core.novelty import (
    CHANNELS,
    COLOUR_SIZE,
    LAYOUT_SIZE,
    NoveltyGate,
    described,
    nearest,
    read_gate,
    strangeness,
    thumbnail,
)
from core.preprocess import Preprocessing, to_network_input


def test_edges_are_told_by_their_direction_not_their_sign():
    waves = np.sin(np.linspace(0, 40, 224, dtype=np.float32))[:, None] * np.ones(224, np.float32)
    how = Preprocessing(channels="grey")

    def edges(picture):
        found = thumbnail(to_network_input((picture / 2 + 0.5).astype(np.float32), how), how)[0, 4:]
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
    row = described(picture, by_layout=True)
    assert row.shape == (1, LAYOUT_SIZE)

    def off(other):
        return float(nearest(row, described(other, by_layout=True))[0])

    brighter = 0.6 * picture
    brighter[:, :4] += 0.2  # edges gain no offset
    assert off(brighter) < 0.1
    for other in (np.rot90(picture, axes=(2, 3)), 1 - picture, np.full_like(picture, 0.5)):
        assert off(other) > 1


def test_colours_and_grain_count_where_there_is_no_layout():
    thumbnails = np.random.default_rng(0).random((5, CHANNELS, 16, 16))
    rows = described(thumbnails, by_layout=False)
    assert rows.shape == (5, COLOUR_SIZE)
    grey = thumbnails.copy()
    grey[:, :3] = grey[:, :3].mean(axis=1, keepdims=True)
    smooth = thumbnails.copy()
    smooth[:, 3] = 0
    for other in (grey, smooth):
        assert (np.linalg.norm(described(other, by_layout=False) - rows, axis=1) > 1).all()


def test_distances_are_those_of_the_literal_loop():
    random = np.random.default_rng(0)
    centres, rows = random.normal(size=(4, 7)), random.normal(size=(9, 7))
    expected = [min(np.linalg.norm(row - centre) for centre in centres) for row in rows]
    np.testing.assert_allclose(nearest(centres, rows), expected)


def test_an_image_near_a_decoy_is_the_stranger_the_nearer_it_is():
    to_centre, to_decoy = np.array([1.0, 1.0, 1.0, 1.0]), np.array([np.inf, 4.0, 1.0, 0.0])
    scores = strangeness(to_centre, to_decoy, reach=2.0)
    np.testing.assert_allclose(scores[:3], [1, 1, 2])
    assert scores[3] > 1e5
    assert np.isfinite(scores).all()


GOOD = NoveltyGate(np.ones((2, COLOUR_SIZE)), 1.5, np.zeros((0, COLOUR_SIZE)), 0.0).state()


def test_a_gate_of_an_older_bundle_has_no_decoys():
    random = np.random.default_rng(0)
    older = {"centres": random.normal(size=(3, LAYOUT_SIZE)).astype(np.float16), "threshold": np.ones(1, np.float32)}
    gate, thumbnails = read_gate(older), random.random((4, CHANNELS, 16, 16))
    expected = nearest(older["centres"].astype(np.float64), described(thumbnails, by_layout=True))
    np.testing.assert_allclose(gate.scores(thumbnails), expected)


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
    ],
)
def test_statistics_that_make_no_gate_are_refused(broken):
    assert read_gate(GOOD).threshold == 1.5
    with pytest.raises(BundleError, match="novelty statistics"):
        read_gate(broken)
