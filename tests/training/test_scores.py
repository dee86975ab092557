import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score, roc_auc_score

from core.calibration import softmax
from training.scores import intervals, score

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


def test_intervals_are_those_of_drawing_images_again_within_each_class():
    p, labels = drawn(250, seed=3)
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
        assert ends == pytest.approx(tuple(np.percentile(values, [2.5, 97.5])), abs=0.02)
    assert intervals(p, labels) == found
