import json
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import history_samples as made
import numpy as np
import pytest
from scipy import stats

from core.monitoring.drift_tests import fisher_p, permutation_p
from core.monitoring.monitor import Rule, monitor
from core.monitoring.quantities import QUANTITIES, reader_agrees
from core.records.history import History
from core.uncertainty.calibration import jensen_shannon_divergence

ROOT = Path(__file__).resolve().parents[3]


def trends(stream):
    return {trend.quantity.id: trend for trend in stream.trends}


def alarmed(stream):
    return {(trend.quantity.id, week.begins) for trend in stream.trends for week in trend.weeks if week.alarm}


@pytest.mark.parametrize(("ones", "n", "hits", "m"), [(3, 100, 6, 25), (0, 80, 0, 20), (20, 20, 1, 30), (7, 60, 2, 13)])
def test_fishers_test_is_scipys(ones, n, hits, m):
    reference, week = np.repeat([1.0, 0.0], [ones, n - ones]), np.repeat([1.0, 0.0], [hits, m - hits])
    expected = stats.fisher_exact([[ones, n - ones], [hits, m - hits]]).pvalue
    assert fisher_p(reference, week) == pytest.approx(expected, rel=1e-9)


def test_the_permutation_test_is_scipys_within_the_error_of_its_draws():
    random = np.random.default_rng(1)
    for shift in (0.2, 0.5, 0.8):
        reference, week = random.exponential(1, 60), random.exponential(1, 20) + shift
        expected = stats.permutation_test(
            (reference, week), lambda a, b: abs(a.mean() - b.mean()), n_resamples=20_000, alternative="greater", rng=2
        ).pvalue
        found = [permutation_p(reference, week, 2000, seed) for seed in range(8)]
        assert np.mean(found) == pytest.approx(expected, abs=0.25 * expected + 0.001)


def test_the_permutation_test_does_not_mind_which_side_is_larger_and_ends_early_where_nothing_changed():
    a, b = np.linspace(0, 1, 50), np.linspace(2, 3, 20)
    assert permutation_p(a, b, 999) == permutation_p(b, a, 999) == 1 / 1000
    assert permutation_p(a, a[::5], 10**9) > 0.1  # a thousand million draws would never end


def test_without_a_change_alarms_are_as_rare_as_stated():
    """Histories with one tested week each, so that alarms are independent: their number is binomial."""
    histories, rate = 150, 0.1
    streams = [monitor(made.history(seed, 5), Rule(4, rate))[0] for seed in range(histories)]
    alarms = sum(bool(alarmed(stream)) for stream in streams)
    assert alarms <= stats.binom.ppf(0.999, histories, rate)
    tested = [trends(stream)["brightness"].weeks[-1].p for stream in streams]
    below = sum(p <= 0.2 for p in tested)  # of a single figure the test is exact, not only on the safe side
    assert stats.binom.ppf(0.0005, histories, 0.2) <= below <= stats.binom.ppf(0.9995, histories, 0.2)
    usual = sum(bool(alarmed(monitor(made.history(seed, 5))[0])) for seed in range(histories, 2 * histories))
    assert usual <= stats.binom.ppf(0.999, histories, Rule().false_alarms)


def test_planted_drift_raises_an_alarm_from_its_week_on_and_in_its_figure():
    drift = {week: {"brightness": 0.56} for week in (7, 8)} | {9: {"refusals": 0.4}}
    (stream,) = monitor(made.history(3, 10, images=40, drift=drift))
    weeks = stream.weeks
    assert weeks[0] == date(2026, 1, 5)
    assert {trend.reference_ends for trend in stream.trends if trend.weeks} == {weeks[3]}
    assert alarmed(stream) == {("brightness", weeks[7]), ("brightness", weeks[8]), ("not_assessable", weeks[9])}
    assert stream.alarms[0].startswith(f"Week of {weeks[9].isoformat()}: not assessable ")
    assert trends(stream)["brightness"].note.startswith(f"Week of {weeks[8].isoformat()}: brightness 0.5")
    assert trends(stream)["contrast"].note == "No alarm."


def test_a_slow_drift_is_found_since_the_reference_stays():
    drift = {week: {"brightness": 0.5 + 0.004 * (week - 3)} for week in range(4, 20)}
    (stream,) = monitor(made.history(4, 20, images=40, drift=drift))
    found = [week.alarm for week in trends(stream)["brightness"].weeks]
    assert not any(found[:6])
    assert all(found[-3:])


def test_figures_are_those_of_the_predictions():
    random = np.random.default_rng(0)
    rows = [
        made.analysis(random, 0, n, refusals=0.3, opinion=("agree", "disagree", "unsure", None)[n % 4])
        for n in range(60)
    ]
    found = {name: trend.weeks[0] for name, trend in trends(monitor(rows)[0]).items()}
    seen = [row for row in rows if not row.is_novel]
    assert 0 < len(seen) < 60
    assert found["not_assessable"].value == pytest.approx(1 - len(seen) / 60)
    assert found["not_assessable"].images == 60
    assert found["different_class"].value == pytest.approx(np.mean([not row.same_class for row in seen]))
    assert found["js_divergence"].images == len(seen)
    assert (found["reader_agrees"].value, found["reader_agrees"].images) == (0.5, 30)
    spread = [
        np.mean([stats.entropy([*row.answers[s]["probabilities"].values()], base=3) for s in ("teacher", "student")])
        for row in seen
    ]
    assert found["entropy"].value == pytest.approx(np.mean(spread))
    scores = [max(row.answers[s]["novelty"]["score"] for s in ("teacher", "student")) for row in rows]
    assert found["gate_score"].value == pytest.approx(np.mean(scores))


@pytest.mark.parametrize(
    ("reading", "predicted", "novel", "agrees"),
    [
        ("Normal", ("Normal", "Normal"), False, 1.0),
        ("Normal", ("Normal", "COVID-19"), False, 0.0),
        ("other", ("Normal", "Normal"), False, 0.0),
        ("Normal", ("Normal", "Normal"), True, None),
        ("not_assessable", ("Normal", "Normal"), True, 1.0),
        ("not_assessable", ("Normal", "Normal"), False, 0.0),
        (None, ("Normal", "Normal"), False, None),
    ],
)
def test_a_reading_agrees_where_both_networks_find_its_class(reading, predicted, novel, agrees):
    row = made.analysis(np.random.default_rng(0), 0, 0, refusals=float(novel))
    teacher, student = predicted
    row = replace(row, reading=reading, teacher_predicted=teacher, student_predicted=student)
    assert reader_agrees(row) == agrees


def test_each_image_counts_once_with_its_last_reading_in_its_first_week():
    random = np.random.default_rng(0)
    rows = [made.analysis(random, week, 0, image="c" * 64, opinion=said) for week, said in ((0, None), (2, "disagree"))]
    (stream,) = monitor(reversed(rows))
    assert (stream.images, stream.weeks) == (1, (date(2026, 1, 5),))
    assert trends(stream)["reader_agrees"].weeks[0].value == 0


def test_other_weights_are_another_stream_the_last_one_first():
    random = np.random.default_rng(0)
    rows = [made.analysis(random, week, 0, teacher=str(week // 3) * 64) for week in range(6)]
    streams = monitor(rows)
    assert [stream.weeks[0] for stream in streams] == [date(2026, 1, 26), date(2026, 1, 5)]


def test_what_older_versions_did_not_store_is_left_out():
    rows = made.history(0, 6)
    for row in rows:
        for one in (row.answers["teacher"], row.answers["student"]):
            for key in ("brightness", "contrast", "novelty", "plausible", "probabilities"):
                del one[key]
        del row.answers["agreement"]
    found = trends(monitor(rows)[0])
    assert not any(found[name].weeks for name in ("brightness", "gate_score", "uncertain", "entropy", "js_divergence"))
    assert found["brightness"].note == "Nothing is recorded of it."
    assert len(found["different_class"].weeks) == 6


def test_a_figure_that_is_stored_only_of_late_has_a_reference_of_its_own():
    rows = made.history(1, 12, drift={11: {"brightness": 0.6}})
    for row in rows:
        if row.analysed_at < made.MONDAY.replace(month=2, day=2).isoformat():
            del row.answers["student"]["brightness"]  # the first four weeks
    (stream,) = monitor(rows)
    found = trends(stream)
    assert (found["contrast"].reference_ends, found["brightness"].reference_ends) == (stream.weeks[3], stream.weeks[7])
    assert [week.p is None for week in found["brightness"].weeks] == [True] * 4 + [False] * 4
    assert found["brightness"].weeks[-1].alarm


def test_few_images_are_shown_but_not_tested():
    found = trends(monitor(made.history(0, 6, images=2))[0])
    assert all(week.p is None for week in found["brightness"].weeks)
    assert found["brightness"].note == "Not tested: the reference has 8 of at least 20 images."
    found = trends(monitor(made.history(0, 3))[0])
    assert found["brightness"].note == "The reference is still being collected."
    assert monitor([]) == []


def test_the_command_prints_what_json_holds(tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "core", "monitor", *words],
            capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
            env={"TWINLENS_DATA": str(tmp_path), "PATH": ""},
        )  # fmt: skip

    assert run().stdout == "Nothing has been recorded yet.\n"
    with History(tmp_path / "history.sqlite") as history:
        for row in made.history(3, 6, drift={5: {"brightness": 0.6}}):
            history.insert(row)
    found = json.loads(run("--json").stdout)
    (stream,) = found["streams"]
    assert (found["reference_weeks"], found["false_alarms"]) == (4, 0.01)
    assert [trend["quantity"] for trend in stream["trends"]] == [quantity.id for quantity in QUANTITIES]
    (alarm,) = stream["alarms"]
    assert "brightness 0.6" in alarm
    ended = run("--task", "chest-xray")
    assert "at most 1 % of the weeks have an alarm" in ended.stdout
    assert f"⚠ {alarm}" in ended.stdout
    assert run("--task", "lung-colon").stdout == "Nothing has been recorded yet.\n"


def test_a_real_analysis_stores_what_is_watched(chest_comparison):
    """The stored divergence is that of the stored probabilities."""
    from core.records.analysis import analysis

    row = analysis("a" * 64, chest_comparison, {})
    p, q = (list(row.answers[s]["probabilities"].values()) for s in ("teacher", "student"))
    by_id = {quantity.id: quantity for quantity in QUANTITIES}
    assert by_id["js_divergence"].value(row) == pytest.approx(jensen_shannon_divergence(p, q))
    assert by_id["different_class"].value(row) == 1
