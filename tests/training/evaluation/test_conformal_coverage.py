import numpy as np
import pytest

from core.uncertainty.calibration import softmax
from training.evaluation.clustered_bootstrap import Figure
from training.evaluation.conformal_coverage import RULES, Coverage, randomised_aps, table


def drawn(count, sharpness, seed):
    """Calibrated probabilities of three classes, and labels drawn from them."""
    random = np.random.default_rng(seed)
    probabilities = softmax(sharpness * random.normal(size=(count, 3)))
    return probabilities, (random.random((count, 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("sharpness", [1, 6])
@pytest.mark.parametrize("target", [0.9, 0.975])
def test_every_rule_reaches_its_target_where_images_are_exchangeable(rule, sharpness, target):
    probabilities, labels = drawn(20_000, sharpness, 0)
    fresh, truth = drawn(20_000, sharpness, 1)
    inside = RULES[rule](probabilities, labels, target)(fresh)
    assert inside.shape == fresh.shape
    assert inside[np.arange(20_000), truth].mean() == pytest.approx(target, abs=0.006)


def test_randomised_sets_are_the_same_for_the_same_image_and_take_likely_classes_first():
    probabilities, labels = drawn(2_000, 3, 0)
    sets = randomised_aps(probabilities, labels, 0.95)
    fresh, _ = drawn(500, 3, 1)
    inside = sets(fresh)
    assert (sets(fresh[::-1])[::-1] == inside).all()
    ranked = np.take_along_axis(inside, np.argsort(-fresh, axis=1), axis=1)
    assert (ranked[:, :-1] >= ranked[:, 1:]).all()


def test_the_table_has_a_row_for_each_rule():
    page = table([Coverage("LAC", 0.9728, 0.0134, Figure(0.98, 0.961, 0.995), 0.009, 0.0, 0.17)])
    assert page.splitlines()[-1] == "| LAC | 97.3 % | ±1.3 points | 98.0 % (96.1–99.5) | 0.9 % | 0.0 % | 17 % |"
