import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.calibration import expected_calibration_error, jensen_shannon_divergence, softmax

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
def test_jensen_shannon_divergence_is_symmetric_and_the_square_of_scipys_distance(a, b):
    from scipy.spatial.distance import jensenshannon

    size = min(len(a), len(b))
    p, q = softmax(a[:size]), softmax(b[:size])
    found = jensen_shannon_divergence(p, q)
    assert math.isclose(found, jensen_shannon_divergence(q, p), abs_tol=1e-12)
    expected = jensenshannon(p, q, base=2) ** 2
    assert math.isclose(found, 0 if math.isnan(expected) else expected, abs_tol=1e-7)
