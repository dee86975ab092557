import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from core.benchmarks import cam, suite
from core.benchmarks.cam import SpeedRow
from core.benchmarks.fidelity import fidelity, fidelity_table
from core.benchmarks.results import LatencyRow, Machine, MemoryRun, Report, markdown, ratios
from core.cli.app import app
from core.explain.scorecam import MOST_MASKS
from core.images.demo import demonstration_radiograph
from core.models.catalogue import read_catalogue


def test_ratios_are_of_students_to_themselves_on_torch_and_to_their_teachers():
    rows = [
        LatencyRow("a/teacher-x", "openvino", 60.0, 61.0, 10),
        LatencyRow("a/teacher-x", "torch", 90.0, 91.0, 10),
        LatencyRow("a/student-y", "openvino", 3.0, 3.1, 10),
        LatencyRow("a/student-y", "torch", 12.0, 12.1, 10),
        LatencyRow("b/teacher-x", "openvino", 50.0, 51.0, 10),
    ]
    assert ratios(rows) == {
        "a/student-y: torch / openvino": 4.0,
        "a/teacher-x / a/student-y, both openvino": 20.0,
    }


def test_the_report_names_the_machine_and_every_row():
    report = Report(
        Machine("CPU X", 2, 24.0, "Linux", "3.11", "2.9", "2026"),
        [LatencyRow("a/student-y", "openvino", 3.0, 3.1, 10)],
        {"one / other": 4.0},
        [
            SpeedRow("a/student-y", "twinlens fast", 0.1, 0.2, 3, 0.998, 0.95, [(8, 0.1), (16, 0.2)]),
            SpeedRow("a/student-y", "twinlens exact", 0.1, 4.0, 3, 1.0, 1.0, [(8, 0.1), (1168, 4.0)]),
            SpeedRow("a/student-y", "pytorch-grad-cam", 24.0, 24.0, 1400, 0.9999, 1.0, []),
        ],
        {"import core": 0.01},
        MemoryRun(100, 900.0, 901.0, 902.0, 10.0),
    )
    text = markdown(report)
    for part in (
        "CPU X",
        "3.0 ms",
        "4.0×",
        "twinlens fast | 16 |",
        "0.998",
        "| 120× | 6.0× |",
        "import core",
        "900.0 MiB",
    ):
        assert part in text


def test_latency_is_measured_on_both_runtimes_and_memory_is_followed():
    catalogue = read_catalogue()
    rows = list(suite.latency([catalogue.find("chest-xray", "student")], runs=10))
    assert [row.runtime for row in rows] == ["openvino", "torch"]
    assert all(0 < row.median_ms <= row.p90_ms and row.runs == len(row.times_ms) == 10 for row in rows)
    found = suite.memory(catalogue, images=3)
    assert found.images == 3
    assert found.peak_mib >= found.settled_mib > 100


def test_fidelity_rises_from_frame_to_frame():
    found = fidelity(read_catalogue().find("chest-xray", "student"), [demonstration_radiograph()])
    rows, (fast,) = found.rows, found.stop.forwards
    assert [row.forwards for row in rows] == sorted(row.forwards for row in rows)
    assert {row.method for row in rows} >= {f"clustered G={fast}", "1024 of 1152 exact"}
    assert rows[-1].pearson_mean == pytest.approx(1, abs=2e-3)
    assert rows[-1].forwards == fast + 1024
    assert np.all([0 <= row.iou20_mean <= 1 for row in rows])
    assert found.stop.pearson_mean == found.stop.pearson_worst > 0.97
    assert f"after {fast} forwards (1 image)" in fidelity_table(suite.machine(), rows, found.stop)


def test_a_missing_library_is_told_before_anything_is_measured(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchcam", None)
    monkeypatch.setattr(suite, "counts", lambda _catalogue, **_how: pytest.fail("it began to measure"))
    answer = CliRunner().invoke(app, ["benchmark"])
    assert answer.exit_code == 1
    assert "extra 'benchmark'" in answer.stderr


def test_each_library_measures_itself_in_a_process_of_its_own():
    bundle = read_catalogue().find("chest-xray", "student")
    exact, fast = cam.speed(bundle, ["twinlens fast", "twinlens exact"])
    assert (len(fast.times_s), len(exact.times_s)) == (5, 1)
    assert 0 < fast.first_s < fast.seconds
    assert 0 <= fast.peak_mib < 300
    assert 0.97 < fast.pearson < exact.pearson == 1
    assert exact.timeline[: len(fast.timeline)][-1][0] == fast.timeline[-1][0] <= MOST_MASKS
    assert exact.timeline[-1][0] == fast.timeline[-1][0] + 1152
