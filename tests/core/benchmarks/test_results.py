"""A benchmark's results: kept when it is stopped, read back, and compared with those of another run."""

import json
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.benchmarks import counts as counting
from core.benchmarks import suite
from core.benchmarks.cam import SpeedRow
from core.benchmarks.numpy_network import NumpyNetwork, explain
from core.benchmarks.regressions import changes, changes_table
from core.benchmarks.results import Count, FolderRow, LatencyRow, Machine, Report, read_report
from core.cli.app import app
from core.errors import UsageError
from core.explain.scorecam import FEWEST_MASKS, MOST_MASKS, ScoreCam
from core.models.catalogue import read_catalogue

DOCS = Path(__file__).resolve().parents[3] / "docs"
MACHINE = Machine("CPU X", 2, 24.0, "Linux", "3.11", "2.9", "2026")
FASTER = Machine("CPU Y", 16, 64.0, "Linux", "3.11", "2.9", "2026")
NAMES = {
    "forward": "forward of t/student-ofa595, of the library's",
    "fast": "twinlens fast map of t/student-ofa595, of the library's",
}


def times(middle, seed, spread=0.03, many=50):
    return list(middle * (1 + spread * np.random.default_rng(seed).standard_normal(many)))


def report(slower=1.0, load=1.0, seed=0, machine=MACHINE):
    """A benchmark of a Twinlens so many times slower, on a machine that took so many times as long for everything."""
    ours, torch = times(5 * slower * load, seed), times(15 * load, seed + 100)
    fast = times(0.3 * slower * load, seed + 200, many=5)
    return Report(
        machine,
        [
            LatencyRow("t/student-ofa595", "openvino", float(np.median(ours)), max(ours), 50, ours),
            LatencyRow("t/student-ofa595", "torch", float(np.median(torch)), max(torch), 50, torch),
        ],
        score_cam=[
            SpeedRow("t/student-ofa595", "twinlens fast", 0.1, float(np.median(fast)), 3, 0.99, 0.9, [(16, 0.3)], fast),
            SpeedRow("t/student-ofa595", "pytorch-grad-cam", 40 * load, 40 * load, 900, 1.0, 1.0, [], [40 * load]),
        ],
        folder=[FolderRow("both", 50, 10.0, 0.1, 90.0, 500.0, times(1.0 * slower * load, seed + 300, many=5))],
        counts=[Count("forwards", 16), Count("instructions", 1_000_000, 0.02, "Python 3.11")],
    )


def verdicts(old, new):
    return {change.what: change.verdict for change in changes(old, new)}


def test_the_same_program_on_a_machine_that_is_busy_is_no_slower():
    found = verdicts(report(seed=1), report(seed=2, load=3))
    assert found[NAMES["forward"]] == found[NAMES["fast"]] == "same"
    elsewhere = verdicts(report(seed=1), report(seed=2, load=0.2, machine=FASTER))
    assert elsewhere[NAMES["forward"]] == "same"
    assert not any("folder" in what for what in elsewhere)  # seconds of another machine say nothing


def test_a_program_that_is_slower_beyond_the_noise_is_worse_and_a_faster_one_better():
    slower, faster = (changes(report(seed=1), report(seed=2, slower=factor)) for factor in (1.3, 0.7))
    (forward,) = (change for change in slower if change.what == NAMES["forward"])
    assert 1.2 < forward.low < forward.ratio < forward.high < 1.4
    assert forward.ratio == pytest.approx(1.3, abs=0.04)
    assert forward.verdict == "worse"
    assert {change.what: change.verdict for change in faster}[NAMES["forward"]] == "better"
    assert "| worse |" in changes_table(slower).splitlines()[2]
    # pytorch-grad-cam's map is timed once, so 1.3 times as long for ours is not beyond doubt
    assert {change.what: change.verdict for change in slower}[NAMES["fast"]] == "same"
    assert verdicts(report(seed=1), report(seed=2, slower=1.6))[NAMES["fast"]] == "worse"


def test_bounds_cover_the_true_ratio_as_often_as_they_say():
    held = 0
    for seed in range(60):
        old, new = report(seed=1000 + seed), report(seed=5000 + seed, slower=1.1)
        (forward,) = (change for change in changes(old, new) if change.what == NAMES["forward"])
        held += forward.low <= 1.1 <= forward.high
    assert held >= 52  # 57 of 60 are expected at 95 %; fewer than 52 would come by chance once in 70 times


@pytest.mark.parametrize(
    ("forwards", "instructions", "found"),
    [
        (16, 1_010_000, ("same", "same")),
        (17, 1_030_000, ("worse", "worse")),
        (12, 900_000, ("better", "better")),
    ],
)
def test_counts_are_compared_as_they_are(forwards, instructions, found):
    new = report()
    new.counts = [replace(new.counts[0], count=forwards), replace(new.counts[1], count=instructions)]
    seen = verdicts(report(), new)
    assert (seen["forwards"], seen["instructions"]) == found
    new.counts[1] = replace(new.counts[1], of="Python 3.12")
    assert "instructions" not in verdicts(report(), new)


def test_what_was_written_is_read_back_and_older_results_too(tmp_path):
    (tmp_path / "a.json").write_text(report().as_json(), "utf-8")
    assert read_report(tmp_path / "a.json") == report()
    assert read_report(DOCS / "benchmarks" / "speed.json").latency[0].times_ms == []
    (tmp_path / "b.json").write_text('{"models": []}', "utf-8")
    with pytest.raises(UsageError, match="no result of core benchmark"):
        read_report(tmp_path / "b.json")


def test_a_regression_is_told_by_the_exit_code(tmp_path):
    old, new, slow = (tmp_path / name for name in ("old.json", "new.json", "slow.json"))
    old.write_text(report(seed=1).as_json(), "utf-8")
    new.write_text(report(seed=2).as_json(), "utf-8")
    slow.write_text(report(seed=2, slower=2).as_json(), "utf-8")
    run = CliRunner().invoke
    same = run(app, ["benchmark", "--read", str(new), "--compare", str(old), "--out", str(tmp_path / "out")])
    assert same.exit_code == 0, same.output
    assert (tmp_path / "out" / "benchmark.svg").read_text("utf-8").count("pytorch-grad-cam") > 0
    assert read_report(tmp_path / "out" / "benchmark.json") == read_report(new)
    worse = run(app, ["benchmark", "--read", str(slow), "--compare", str(old), "--json"])
    assert worse.exit_code == 1
    assert "| worse |" in worse.stderr
    assert json.loads(worse.stdout)["machine"]["processor"] == "CPU X"
    assert run(app, ["benchmark", "--compare", str(tmp_path / "none.json")]).exit_code == 1


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_measured_is_kept_when_it_is_stopped(tmp_path, monkeypatch, request, how, code):
    def counted(_catalogue, **_how):
        yield Count("forwards", 16)
        signal.raise_signal(how)
        pytest.fail("it was not stopped")

    monkeypatch.setattr(suite, "counts", counted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores Ctrl-C
    request.addfinalizer(partial(signal.signal, signal.SIGINT, before))
    handlers = signal.getsignal(signal.SIGTERM)
    answer = CliRunner().invoke(app, ["benchmark", "--only", "counts", "--json", "--out", str(tmp_path)])
    assert answer.exit_code == code
    assert signal.getsignal(signal.SIGTERM) == handlers
    for text in (answer.stdout, (tmp_path / "benchmark.json").read_text("utf-8")):
        found = json.loads(text)
        assert found["complete"] is False
        assert [row["count"] for row in found["counts"]] == [16]
    assert "It was stopped" in (tmp_path / "benchmark.md").read_text("utf-8")


def test_an_unknown_part_is_wrong_usage():
    answer = CliRunner().invoke(app, ["benchmark", "--only", "speed"])
    assert isinstance(answer.exception, UsageError)


def test_no_map_costs_more_forwards_than_it_did(monkeypatch):
    """The check of ``benchmark --only counts --compare docs/benchmarks/counts.json``, without Valgrind."""
    monkeypatch.setattr(counting.shutil, "which", lambda _name: None)
    found = Report(MACHINE, counts=list(counting.counts(read_catalogue())))
    seen = changes(read_report(DOCS / "benchmarks" / "counts.json"), found)
    assert len(seen) == len(found.counts) == 3
    assert {change.what: change.verdict for change in seen if change.verdict != "same"} == {}


def test_the_network_of_numpy_is_explained_like_any_other():
    network = NumpyNetwork()
    values = explain(network, "fast")
    assert np.array_equal(values, explain(NumpyNetwork(), "fast"))
    assert FEWEST_MASKS < network.forwards <= MOST_MASKS + 1
    rng = np.random.default_rng(0)
    image = rng.standard_normal((2, 3, 32, 32)).astype(np.float32)
    logits, maps = network.forward_with_maps(image)
    # the same by the definition of a convolution, patch by patch
    patch = image[1, :, 4:8, 8:12].reshape(-1)
    assert np.allclose(maps[1, :, 1, 2], np.maximum(patch @ network._filters, 0), rtol=1e-4, atol=1e-4)
    assert np.allclose(logits, maps.mean(axis=(2, 3)) @ network._head, rtol=1e-4)
    assert ScoreCam(network, image[:1]).maps.shape == (256, 8, 8)


def test_instructions_are_read_from_what_callgrind_prints():
    assert counting.collected("==1== \n==1== Collected : 123456789\n") == 123456789
    with pytest.raises(ValueError, match="counted nothing"):
        counting.collected("==1== valgrind: no memory")


@pytest.mark.skipif(sys.platform == "win32", reason="Valgrind is not made for Windows")
def test_instructions_are_left_out_where_valgrind_fails(monkeypatch):
    monkeypatch.setattr(counting.shutil, "which", lambda _name: "/bin/false")
    assert counting.instructions() is None
