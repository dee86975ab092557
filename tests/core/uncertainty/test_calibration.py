import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from core.uncertainty.calibration import (
    brier_score,
    conformal_floor,
    expected_calibration_error,
    fit_temperature,
    jensen_shannon_divergence,
    negative_log_likelihood,
    plausible,
    reliability,
    softmax,
    target_coverage,
)

logits = st.lists(st.floats(-80, 80), min_size=2, max_size=6)


@given(logits, st.floats(0.1, 10))
def test_softmax_is_torchs_with_the_logits_divided_by_the_temperature(values, temperature):
    expected = torch.softmax(torch.tensor(values, dtype=torch.float64) / temperature, 0).numpy()
    np.testing.assert_allclose(softmax(values, temperature), expected, atol=1e-12)


def test_huge_logits_do_not_overflow():
    np.testing.assert_allclose(softmax([1e30, 0.0]), [1, 0])


def literal_ece(probabilities, labels, bins):
    total = 0.0
    for b in range(bins):
        inside = [i for i, p in enumerate(probabilities) if b / bins < max(p) <= (b + 1) / bins]
        if inside:
            accuracy = sum(probabilities[i].argmax() == labels[i] for i in inside) / len(inside)
            confidence = sum(max(probabilities[i]) for i in inside) / len(inside)
            total += len(inside) / len(labels) * abs(accuracy - confidence)
    return total


def test_calibration_error_is_that_of_a_literal_loop_over_the_bins():
    rng = np.random.default_rng(1)
    probabilities = softmax(rng.normal(size=(500, 4)) * 2)
    labels = rng.integers(0, 4, 500)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(literal_ece(probabilities, labels, 15))


def test_sure_and_right_is_perfectly_calibrated_and_sure_and_wrong_is_not():
    sure = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert expected_calibration_error(sure, [0, 0]) == 0
    assert expected_calibration_error(sure, [1, 1]) == 1


def test_jensen_shannon_divergence_runs_from_equal_to_disjoint():
    assert jensen_shannon_divergence([0.2, 0.8], [0.2, 0.8]) == 0
    assert jensen_shannon_divergence([1, 0], [0, 1]) == 1


@given(logits, logits)
@example([0.0, 0.0], [0.0, 1.5644262118597456e-08])
def test_jensen_shannon_divergence_is_symmetric_and_the_square_of_scipys_distance(a, b):
    from scipy.spatial.distance import jensenshannon

    size = min(len(a), len(b))
    p, q = softmax(a[:size]), softmax(b[:size])
    found = jensen_shannon_divergence(p, q)
    assert math.isclose(found, jensen_shannon_divergence(q, p), abs_tol=1e-12)
    with np.errstate(invalid="ignore"):  # scipy takes the root of a rounding error below zero
        expected = jensenshannon(p, q, base=2) ** 2
    assert math.isclose(found, 0 if math.isnan(expected) else expected, abs_tol=1e-7)


def drawn(count, temperature=1.0, classes=4, seed=2):
    """Logits whose softmax over the temperature is the truth, and labels drawn from it."""
    random = np.random.default_rng(seed)
    logits = 3 * random.normal(size=(count, classes))
    cumulative = softmax(logits, temperature).cumsum(axis=1)
    return logits, (random.random((count, 1)) > cumulative[:, :-1]).sum(axis=1)


def test_the_fitted_temperature_is_the_one_that_the_labels_were_drawn_with_and_the_best_of_a_grid():
    logits, labels = drawn(20_000, temperature=2.5)
    found = fit_temperature(logits, labels)
    assert found == pytest.approx(2.5, rel=0.03)
    best = min(negative_log_likelihood(softmax(logits, t), labels) for t in np.linspace(0.5, 5, 200))
    assert negative_log_likelihood(softmax(logits, found), labels) <= best + 1e-9


def test_log_loss_and_brier_score_are_scikit_learns():
    from sklearn.metrics import brier_score_loss, log_loss

    logits, labels = drawn(300)
    p = softmax(logits)
    assert negative_log_likelihood(p, labels) == pytest.approx(log_loss(labels, p))
    each = sum(brier_score_loss(labels == c, p[:, c]) for c in range(4))
    assert brier_score(p, labels) == pytest.approx(each)


def test_the_reliability_diagram_adds_up_to_the_calibration_error():
    logits, labels = drawn(400)
    p = softmax(logits, 0.5)
    points = reliability(p, labels)
    assert sum(images for *_, images in points) == 400
    gap = sum(images * abs(accuracy - confidence) for confidence, accuracy, images in points) / 400
    assert gap == pytest.approx(expected_calibration_error(p, labels))


@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_conformal_sets_reach_the_target_coverage(coverage):
    logits, labels = drawn(40_000, temperature=2)
    p = softmax(logits)  # badly calibrated on purpose: the coverage is reached all the same
    floor = conformal_floor(p[:2000], labels[:2000], coverage)
    inside = plausible(p[2000:], floor)
    assert inside[np.arange(38_000), labels[2000:]].mean() == pytest.approx(coverage, abs=0.015)


@pytest.mark.parametrize(("wrong", "target"), [(30, 0.95), (15, 0.95), (6, 0.98), (1, 100 / 101), (0, 100 / 101)])
def test_the_target_is_95_percent_or_a_third_of_the_networks_own_errors(wrong, target):
    p = np.tile([0.9, 0.1], (100, 1))
    labels = np.r_[np.ones(wrong, int), np.zeros(100 - wrong, int)]
    assert target_coverage(p, labels) == pytest.approx(target)


def test_a_network_without_errors_is_not_always_uncertain():
    random = np.random.default_rng(0)
    right = random.uniform(0.6, 1, 300)
    p = np.stack([right, 1 - right], axis=1)
    labels = np.zeros(300, int)
    assert conformal_floor(p, labels, target_coverage(p, labels)) == right.min()


def test_too_few_images_for_the_target_make_every_class_plausible():
    p = softmax(np.eye(3))
    assert plausible(p, conformal_floor(p, [0, 1, 2], 0.95)).all()
