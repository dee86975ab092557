import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score, roc_auc_score

from core.uncertainty.calibration import softmax
from training.evaluation.clustered_bootstrap import figure, independent
from training.evaluation.metrics import few_images, intervals, score

CLASSES = ("a", "b", "c")


def drawn(count, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, count)
    return softmax(random.normal(size=(count, 3)) + 1.5 * np.eye(3)[labels]), labels


def test_scores_are_scikit_learns():
    p, labels = drawn(300)
    guesses = p.argmax(axis=1)
    found = score(p, labels, CLASSES)
    assert found.images == 300
    assert found.accuracy == pytest.approx((guesses == labels).mean())
    assert found.macro_f1 == pytest.approx(f1_score(labels, guesses, average="macro"))
    assert found.auroc == pytest.approx(roc_auc_score(labels, p, multi_class="ovr"))
    assert list(found.precision.values()) == pytest.approx(list(precision_score(labels, guesses, average=None)))
    assert list(found.recall.values()) == pytest.approx(list(recall_score(labels, guesses, average=None)))
    np.testing.assert_array_equal(found.confusion, confusion_matrix(labels, guesses))


def test_both_reliability_diagrams_are_kept_apart():
    p, labels = drawn(300)
    sharper = p**2 / (p**2).sum(axis=1, keepdims=True)
    found = score(p, labels, CLASSES, uncalibrated=sharper)
    assert found.reliability == score(p, labels, CLASSES).reliability_uncalibrated
    assert found.reliability_uncalibrated == score(sharper, labels, CLASSES).reliability
    assert found.reliability_uncalibrated != found.reliability


def test_a_class_that_is_missing_has_no_figures_and_does_not_count_in_macro_f1():
    p, labels = drawn(100)
    p, labels = p[labels < 2], labels[labels < 2]
    found = score(p, labels, CLASSES)
    assert found.recall["c"] is None
    assert found.auroc_by_class["c"] is None
    expected = f1_score(labels, p.argmax(axis=1), labels=[0, 1], average="macro")
    assert found.macro_f1 == pytest.approx(expected)


def test_intervals_of_many_images_are_those_of_drawing_them_again_within_each_class():
    p, labels = drawn(2500, seed=3)
    found = intervals(p, labels)
    random = np.random.default_rng(9)
    accuracy, f1, area = [], [], []
    for _ in range(150):
        rows = np.concatenate([random.choice(np.flatnonzero(labels == c), (labels == c).sum()) for c in range(3)])
        guesses = p[rows].argmax(axis=1)
        accuracy.append((guesses == labels[rows]).mean())
        f1.append(f1_score(labels[rows], guesses, average="macro"))
        area.append(roc_auc_score(labels[rows], p[rows], multi_class="ovr"))
    for ends, values in ((found.accuracy, accuracy), (found.macro_f1, f1), (found.auroc, area)):
        assert ends == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), abs=0.008)
    assert intervals(p, labels) == found


def test_ten_right_answers_of_ten_do_not_make_a_hundred_per_cent():
    p, labels = np.eye(2)[[0, 1] * 5], np.array([0, 1] * 5)
    found = intervals(p, labels)
    wilson = binomtest(10, 10).proportion_ci(method="wilson")
    assert found.accuracy == pytest.approx((wilson.low, wilson.high), abs=1e-6)
    assert found.macro_f1[0] < 0.9
    assert found.macro_f1[1] == 1
    assert found.auroc is None
    (note, rare) = few_images(score(p, labels, ("a", "b")))
    assert "only 10 images" in note
    assert "a 5, b 5" in rare
    assert few_images(score(*drawn(300), CLASSES)) == ()


def test_the_intervals_hold_the_true_accuracy_as_often_as_they_promise():
    """Also where each patient has five images that are right or wrong together, which a plain interval misses."""
    random = np.random.default_rng(0)
    held, plain, draws = 0, 0, 300
    for _ in range(draws):
        right = np.repeat(random.random(40) < 0.85, 5)
        labels = np.zeros(200, np.intp)
        p = np.eye(2)[np.where(right, 0, 1)]
        for clusters in (np.repeat(np.arange(40), 5), None):
            low, high = intervals(p, labels, clusters, resamples=20).accuracy
            if clusters is None:
                plain += low <= 0.85 <= high
            else:
                held += low <= 0.85 <= high
    assert held / draws > 0.92
    assert plain / draws < 0.75


def test_how_many_independent_images_clustered_ones_are_worth():
    values = np.array([True, True, False, False, True, True])
    assert independent(values, np.array([0, 0, 1, 1, 2, 2])) < 3
    assert independent(values, np.arange(6)) == 6
    assert independent(np.ones(6, bool), np.array([0, 0, 1, 1, 2, 2])) == 3


def test_a_share_over_clusters_is_never_certain():
    found = figure(np.ones(12, bool), np.repeat(np.arange(4), 3))
    wilson = binomtest(4, 4).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=1e-6)
