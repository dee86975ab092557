"""The gate's benchmark: AUROC with its interval, other stains, and what passes silently."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.models.catalogue import read_catalogue
from core.performance.roc import area_interval
from training.evaluation.clustered_bootstrap import Figure, figure
from training.novelty.benchmark import Row, auroc_figure, gate_table, table
from training.novelty.images import STAINED, other_stain, photographs
from training.novelty.robustness import Outcome
from training.novelty.sets import FAR, STAIN, make_sets
from training.novelty.silent_errors import shift_of, shifts_table
from training.novelty.stains import HE, STAINS, restained


def test_the_area_is_that_of_scikit_learn_and_its_interval_draws_whole_clusters():
    random = np.random.default_rng(0)
    own, theirs = random.normal(0, 1, 120).round(1), random.normal(1, 1, 40).round(1)
    alone = auroc_figure(own, theirs, np.arange(120), np.arange(40))
    expected = roc_auc_score(np.repeat([0, 1], [120, 40]), np.concatenate([own, theirs]))
    assert alone.mean == pytest.approx(expected)
    areas = []
    for _ in range(400):
        a, b = random.choice(own, 120), random.choice(theirs, 40)
        areas.append(roc_auc_score(np.repeat([0, 1], [120, 40]), np.concatenate([a, b])))
    low, high = np.percentile(areas, [2.5, 97.5])
    assert (alone.low, alone.high) == pytest.approx((low, high), abs=0.02)
    together = auroc_figure(
        np.repeat(own, 4), np.repeat(theirs, 4), np.repeat(np.arange(120), 4), np.repeat(range(40), 4)
    )
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), abs=0.01), "four tiles count as one"


def test_sets_that_do_not_overlap_or_are_one_film_have_an_interval_that_says_how_few_they_are():
    own = np.linspace(0, 1, 50)
    apart = auroc_figure(own, np.array([2.0, 3.0]), np.arange(50), np.arange(2))
    expected = area_interval(1.0, 2, 50)
    assert (apart.mean, apart.low, apart.high) == (1.0, expected.low, expected.high)
    assert apart.low < 0.8
    one_film = auroc_figure(own, np.array([0.5, 0.6, 0.5]), np.arange(50), np.zeros(3, int))
    assert one_film.high - one_film.low > 0.5


def test_a_restained_tile_is_what_scikit_image_makes_of_the_same_dyes():
    color = pytest.importorskip("skimage.color")

    def matrix(dyes):
        first, second = (np.array(dye) / np.linalg.norm(dye) for dye in dyes)
        third = np.cross(first, second)
        return np.stack([first, second, third / np.linalg.norm(third)])

    tile = np.random.default_rng(0).uniform(0.3, 1, (8, 8, 3)).astype(np.float32)
    assert STAINS
    for dyes in STAINS.values():
        amounts = color.separate_stains(tile, np.linalg.inv(matrix(HE)))
        amounts[..., 2] = 0
        expected = color.combine_stains(np.maximum(amounts, 0), matrix(dyes))
        np.testing.assert_allclose(restained(dyes)(tile), expected, atol=2e-3)
    grey = tile[..., 0]
    assert restained(STAINS["Giemsa"])(grey) is grey


def test_haematoxylin_and_eosin_stay_what_they_are():
    amounts = np.random.default_rng(1).uniform(0, 1, (6, 6, 2))
    rows = np.array(HE) / np.linalg.norm(HE, axis=1, keepdims=True)
    tile = np.exp(-amounts @ rows).astype(np.float32)
    np.testing.assert_allclose(restained(HE)(tile), tile, atol=1e-4)


def test_far_sets_are_those_of_the_kind_of_image_and_a_real_stain_is_no_photograph():
    bundles = read_catalogue().bundles
    chest, tiles = (make_sets(bundles[f"{task}/student-ofa595"], [], []) for task in ("chest-xray", "lung-colon"))
    assert {one.kind for one in chest} == {FAR}
    assert [one.name for one in tiles if one.kind == STAIN] == ["a real slide, haematoxylin and DAB"]
    for one in (*chest, *tiles):
        assert len(one.clusters) == len(one.pictures) > 0
        assert not one.known
    leg = next(one for one in chest if one.name.startswith("leg"))
    assert set(leg.clusters) == {0}, "one film in four encodings"
    quarters = list(other_stain())
    assert [quarter.shape for quarter in quarters] == [(256, 256, 3)] * 4, STAINED
    assert not any(np.array_equal(photo[:256, :256], quarters[0]) for photo in photographs() if photo.ndim == 3)


def outcome_of(classes, not_assessable, uncertain):
    flags = (np.array(one, bool) for one in (not_assessable, [0] * len(classes), uncertain))
    return Outcome(np.array(classes), *flags)


def test_silent_is_what_passes_is_certain_and_is_wrong():
    labels, clusters = np.array([0, 1, 2, 0] * 5), np.arange(20)
    found = outcome_of([1, 0, 2, 1] * 5, [1, 0, 0, 0] * 5, [0, 1, 0, 0] * 5)
    shift = shift_of("blur", "3", found, labels, clusters)
    assert (shift.not_assessable, shift.uncertain) == (0.25, 0.25)
    assert shift.silent == figure(np.array([0, 0, 0, 1] * 5, bool), clusters)
    assert not shift.within
    good = shift_of("unchanged", "", outcome_of(labels, [0] * 20, [0] * 20), labels, clusters)
    assert good.within
    assert good.silent.mean == 0 < good.silent.high
    page = shifts_table([good, shift])
    assert "| blur | 3 | 20 | 25.0 % | 25.0 % | 25.0 % (" in page
    assert "More than 5 % pass silently: blur 3." in page
    assert "No shift passes silently" in shifts_table([good])


def test_tables_hold_every_set_once_and_say_what_the_gate_knew():
    def row(detector, dataset, known, area, out):
        share = Figure(out, out - 0.1, out)
        return Row(detector, dataset, "near", known, 60, Figure(area, 0.8, 0.95), share, Figure(0.025, 0.01, 0.04))

    rows = [row(d, s, s == "own, blurred", 0.9, 0.5) for s in ("own, blurred", "own, cut") for d in ("energy", "gate")]
    gate = gate_table(rows).splitlines()
    assert gate[2] == "| near | own, blurred (a decoy) | 60 | 0.900 (0.800–0.950) | 50.0 % (40.0–50.0) |"
    assert len(gate) == 5
    assert "2.5 % (1.0–4.0)" in gate[-1]
    assert table(rows).splitlines()[2] == "| own, blurred | 60 | 0.900 (50 %) | 0.900 (50 %) |"
