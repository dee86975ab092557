"""Signals after OpenVINO's networks were unloaded, in a process of its own, which a segmentation fault would end."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from core.system.openvino_core import openvino_core

ROOT = Path(__file__).resolve().parents[3]
UNLOADED = """
import signal
from core.models.catalogue import read_catalogue
from core.runtimes.load import load_runtime

bundle = read_catalogue().find("chest-xray", "student")
first, second = load_runtime(bundle, "openvino"), load_runtime(bundle, "openvino")
del first, second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""

OTHER_CORES = """
import signal
import numpy as np
import openvino
from openvino import opset13
from core.system.openvino_core import other_cores

def compiled(core):
    x = opset13.parameter([1, 3, 8, 8], np.float32)
    return core.compile_model(openvino.Model([opset13.relu(x)], [x]), "CPU")

with other_cores():
    first, second = openvino.Core(), openvino.Core()
    one, two = compiled(first), compiled(second)
    del one, first  # what the second core puts back was this one's
    del two, second
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("code", [UNLOADED, OTHER_CORES])
def test_ctrl_c_interrupts_after_networks_were_unloaded(code):
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False, cwd=ROOT, timeout=300
    )
    assert done.returncode != -signal.SIGSEGV, done.stderr
    assert done.stdout.splitlines() == ["interrupted"]


def test_there_is_one_core():
    assert openvino_core() is openvino_core()
