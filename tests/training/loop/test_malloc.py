"""Memory freed by a step is there for the next one, without the system clearing its pages again."""

import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = """
import resource, sys
import numpy as np
from training.loop.malloc import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(10):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(64 << 20, np.uint8)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults)
"""


def page_faults_of_the_last_step(how):
    ended = subprocess.run(
        [sys.executable, "-c", FAULTS, how],
        capture_output=True,
        encoding="utf-8",
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    return int(ended.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc's allocator is told to keep memory")
def test_what_is_freed_is_used_again_without_a_page_fault():
    assert page_faults_of_the_last_step("keep") < 5
    assert page_faults_of_the_last_step("default") > 20
