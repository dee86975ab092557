"""The program as ``pip install twinlens`` makes it, without any extra: nothing of torch can be imported."""

import json
import subprocess
import sys

import pytest
from base_install import GIB, ROOT, base_environment, small_machine

from core.images.demo import demonstration_radiograph

IMPORT_ALL = """
import importlib, pkgutil
for package in ("core", "training", "gui"):
    for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""
# a comparison with all outputs, and the largest resident size of this process and of those that it started, in KiB;
# its own ru_maxrss would be that of the tests, from which it was forked
COMPARE = """
import re, resource, sys
from pathlib import Path
from core.cli.app import app
app(sys.argv[1:], standalone_mode=False)
own = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
print(max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


@pytest.fixture
def in_base(tmp_path):
    def run(*arguments, **options):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True, encoding="utf-8", check=False, cwd=ROOT, env=base_environment(tmp_path), **options,
        )  # fmt: skip

    return run


def test_every_module_can_be_imported(in_base):
    ended = in_base("-c", IMPORT_ALL)
    assert ended.returncode == 0, ended.stderr


def test_training_says_in_a_sentence_what_it_needs(in_base, tmp_path):
    ended = in_base("-m", "training", "check-data", tmp_path)
    (said,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert said.startswith("Error: Training needs packages that are not installed (torch, ")
    assert said.endswith(f'Add it with: pip install -e "{ROOT}[train]"')


def test_training_explains_its_commands_all_the_same(in_base):
    ended = in_base("-m", "training", "teacher", "--help")
    assert ended.returncode == 0
    assert "--recipe" in ended.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are Linux's")
def test_a_comparison_with_heat_maps_and_a_report_runs_on_two_cores_and_2_gib(in_base, tmp_path):
    demonstration, report = demonstration_radiograph(), tmp_path / "report.pdf"
    ended = in_base(
        "-c", COMPARE, "compare", demonstration, "--json", "--report", report, "--export", tmp_path / "maps",
        preexec_fn=small_machine,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    text, _, peak_kib = ended.stdout.rstrip().rpartition("\n")
    (record,) = json.loads(text)["images"]
    assert record["error"] is None
    assert {record[role]["runtime"] for role in ("teacher", "student")} == {"openvino"}
    assert record["student"]["cam"] is not None
    assert report.stat().st_size > 10_000
    assert 1024 * int(peak_kib) < 2 * GIB
