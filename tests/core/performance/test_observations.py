import csv
import math

import numpy as np
import pytest
from performance_samples import observed
from scipy.stats import binomtest
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)
from task_samples import CHEST_XRAY

from core.exports.performance_table import write_performance
from core.performance.figures import figures
from core.performance.observations import telling_groups
from core.performance.scores import calibration_error_by_chance, score
from core.uncertainty.calibration import expected_calibration_error


@pytest.fixture
def found():
    return observed()


@pytest.mark.parametrize("model", ["teacher", "student"])
def test_scores_against_labels_are_scikit_learns(found, model):
    scores = found.scores(model, "label")
    probabilities, label = getattr(found, model), found.label
    said = probabilities.argmax(axis=1)
    assert scores.accuracy.value == accuracy_score(label, said)
    assert scores.macro_f1.value == pytest.approx(f1_score(label, said, average="macro"))
    assert scores.auroc.value == pytest.approx(roc_auc_score(label, probabilities, multi_class="ovr"))
    assert scores.kappa.value == pytest.approx(cohen_kappa_score(label, said))
    for i, one in enumerate(scores.classes):
        assert one.sensitivity.value == pytest.approx(recall_score(label == i, said == i))
        assert one.specificity.value == pytest.approx(recall_score(label != i, said != i))
        assert one.precision.value == pytest.approx(precision_score(label == i, said == i))
        assert one.images == (label == i).sum()
    for interval in (scores.accuracy, scores.macro_f1, scores.auroc, scores.kappa):
        assert interval.low < interval.value < interval.high
    assert sum(one.images for one in scores.bins) == scores.images == 120


def test_cells_of_a_matrix_name_their_images_and_unknown_ones_count_nowhere(found):
    both = found.reading >= 0
    said = found.student.argmax(axis=1)
    matrix = found.confusion("reading", "student")
    np.testing.assert_array_equal(matrix, confusion_matrix(found.reading[both], said[both], labels=[0, 1, 2]))
    for row in range(3):
        for column in range(3):
            paths = found.cell("reading", row, "student", column)
            assert len(paths) == matrix[row, column]
            assert all(found.reading[int(path.stem)] == row and said[int(path.stem)] == column for path in paths)


def test_pairs_are_tested_on_images_with_a_label_that_both_judged(found):
    pairs = {(pair.first, pair.second): pair for pair in found.pairs()}
    assert list(pairs) == [("teacher", "student"), ("teacher", "reading"), ("student", "reading")]
    models = pairs["teacher", "student"]
    right = [getattr(found, model).argmax(axis=1) == found.label for model in ("teacher", "student")]
    alone = [(right[0] & ~right[1]).sum(), (right[1] & ~right[0]).sum()]
    assert [models.test.first_only, models.test.second_only] == alone
    assert models.test.p_value == pytest.approx(binomtest(int(alone[0]), int(sum(alone)), 0.5).pvalue)
    assert models.difference.value == pytest.approx(right[0].mean() - right[1].mean())
    assert pairs["teacher", "reading"].images == pairs["teacher", "reading"].labelled == 30
    said = found.teacher.argmax(axis=1)[:30]
    assert pairs["teacher", "reading"].kappa.value == pytest.approx(cohen_kappa_score(said, found.reading[:30]))
    unlabelled = next(iter(observed(labelled=0).pairs()))
    assert (unlabelled.images, unlabelled.labelled, unlabelled.test) == (120, 0, None)


def test_groups_have_the_figures_of_their_own_images(found):
    computed = figures(found)
    women = computed.groups["sex"]["F"]
    assert women.observations.paths == found.paths[::2]
    said = found.student.argmax(axis=1)
    assert women.scores["label", "student"].accuracy.value == (said == found.label)[::2].mean()
    assert list(computed.groups["sex"]) == ["F", "M"]
    assert women.groups == {}


def test_what_names_every_image_or_none_is_no_group():
    few = {"sex": ("F", "M", "F"), "site": ("a", "a", "a"), "name": ("x", "y", "z"), "age": ("", "", "")}
    assert list(telling_groups(few)) == ["sex"]
    assert telling_groups({"patient": tuple(map(str, range(50))) * 2}) == {}


def test_without_labels_and_readings_there_are_no_scores_but_the_models_agreement():
    computed = figures(observed(labelled=0, read=0))
    assert computed.references == []
    assert [(pair.first, pair.second) for pair in computed.pairs] == [("teacher", "student")]
    assert figures(observed(labelled=0)).references == ["reading"]


def test_a_class_without_images_is_not_scored():
    found = observed(images=40, labelled=0)
    scores = score(found.teacher, np.zeros(40, np.intp))
    assert scores.classes[1].sensitivity is None
    assert scores.classes[1].roc is None
    assert scores.auroc is None
    assert scores.classes[1].few


def test_a_calibrated_model_stays_below_the_error_by_chance_in_95_per_cent():
    random = np.random.default_rng(3)
    probabilities = random.dirichlet([2, 1, 1], 60)
    limit = calibration_error_by_chance(probabilities)
    errors = []
    for _ in range(500):
        labels = (random.random((60, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
        errors.append(expected_calibration_error(probabilities, labels))
    assert 0.90 < np.mean(np.array(errors) <= limit) < 0.985
    assert calibration_error_by_chance(np.tile(probabilities, (20, 1))) < limit / 2


def test_all_figures_are_in_the_table_a_figure_a_row(tmp_path, found):
    path = tmp_path / "performance.csv"
    risky = observed(groups={"site": ("=cmd()", "b") * 60})
    write_performance(path, [figures(found), figures(risky)])
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))

    def row(**wanted):
        matching = [one for one in table if all(one[name] == value for name, value in wanted.items())]
        return matching[0]

    whole = row(value="", reference="label", model="student", measure="accuracy")
    scores = found.scores("student", "label")
    assert [float(whole[name]) for name in ("estimate", "low", "high")] == pytest.approx(
        [scores.accuracy.value, scores.accuracy.low, scores.accuracy.high]
    )
    assert whole["images"] == "120"
    assert row(group="sex", value="M", reference="label", model="teacher", measure="accuracy")["images"] == "60"
    label = CHEST_XRAY.class_ids[0]
    counts = [
        int(one["estimate"])
        for one in table
        if (one["reference"], one["model"], one["measure"], one["group"]) == ("label", "student", "images", "")
        and one["class"] == label
    ]
    assert sum(counts[:3]) == (found.label == 0).sum()
    assert float(row(model="teacher and student", measure="McNemar p")["estimate"]) <= 1
    assert row(group="site")["value"] == "'=cmd()"
    assert all(math.isfinite(float(one["estimate"])) for one in table)
    assert {one["notice"] for one in table} == {"For research use only. Not for diagnosis."}
