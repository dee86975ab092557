from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score, confusion_matrix, f1_score
from task_samples import CHEST_XRAY, LUNG_COLON

from core.compare.agreement import Tally, macro_f1, macro_f1_interval, wilson
from core.compare.ground_truth import label_of


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 4), (50, 100), (0, 500), (499, 500)])
def test_wilsons_interval_is_scipys(k, n):
    wanted = binomtest(k, n).proportion_ci(method="wilson")
    found = wilson(k, n)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-6)
    assert found.low <= found.value <= found.high


@pytest.fixture
def answers():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 200)
    teacher = np.where(rng.random(200) < 0.9, labels, rng.integers(0, 3, 200))
    student = np.where(rng.random(200) < 0.8, labels, rng.integers(0, 3, 200))
    return labels, teacher, student


def test_scores_and_agreement_are_scikit_learns(answers):
    labels, teacher, student = answers
    names = CHEST_XRAY.class_ids
    tally = Tally(CHEST_XRAY)
    for label, t, s in zip(labels, teacher, student, strict=True):
        tally.add(names[t], names[s], names[label])
    np.testing.assert_array_equal(tally.confusion, confusion_matrix(teacher, student))
    assert tally.kappa == pytest.approx(cohen_kappa_score(teacher, student))
    assert tally.agreement.value == (teacher == student).mean()
    for found, said in zip(tally.scores(), (teacher, student), strict=True):
        assert found.accuracy.value == (labels == said).mean()
        assert found.macro_f1.value == pytest.approx(f1_score(labels, said, average="macro"))
        assert found.macro_f1.low < found.macro_f1.value < found.macro_f1.high
        assert found.recall["Normal"].value == pytest.approx((said[labels == 2] == 2).mean())


def test_f1_counts_only_classes_that_occur_as_labels():
    labels, said = np.array([0, 0, 1]), np.array([0, 2, 1])
    assert macro_f1(confusion_matrix(labels, said, labels=[0, 1, 2])) == pytest.approx(
        f1_score(labels, said, labels=[0, 1], average="macro", zero_division=0)
    )


def test_the_interval_of_f1_is_that_of_drawing_many_images_again_and_holds_where_all_are_right(answers):
    labels, teacher, _ = answers
    found = macro_f1_interval(confusion_matrix(np.tile(labels, 5), np.tile(teacher, 5)))
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(200):
        rows = rng.integers(0, 200, 1000)
        drawn.append(f1_score(labels[rows], teacher[rows], average="macro"))
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.008)
    few = macro_f1_interval(confusion_matrix(labels[:50], teacher[:50]))
    assert few.high - few.low > 3 * (found.high - found.low)
    perfect = macro_f1_interval(np.diag([5, 5]))
    assert perfect.value == perfect.high == 1
    assert perfect.low < 0.9


def test_unlabelled_images_are_counted_but_not_scored():
    tally = Tally(CHEST_XRAY)
    tally.add("Normal", "Normal")
    assert tally.scores() is None
    assert tally.kappa is None
    tally.add("Normal", "COVID-19", "Normal")
    assert (tally.images, tally.labelled) == (2, 1)
    assert tally.scores()[1].accuracy.value == 0


@pytest.mark.parametrize(
    ("path", "task", "label"),
    [
        ("Test/COVID-19/x.png", CHEST_XRAY, "COVID-19"),
        ("Normal/non-covid/x.png", CHEST_XRAY, "Non-COVID"),
        ("/home/normal/scans/x.png", CHEST_XRAY, None),
        ("Normal/images/x.png", CHEST_XRAY, None),
        ("lung_image_sets/lung_scc/lungscc1.jpeg", LUNG_COLON, "lung_scc"),
        ("lung_image_sets/lung_scc/lungscc1.jpeg", CHEST_XRAY, None),
        ("Normal.png", CHEST_XRAY, None),
    ],
)
def test_labels_are_told_from_the_images_own_folder(path, task, label):
    assert label_of(Path(path), task) == label
