"""Signals after OpenVINO's networks were unloaded, in a process of its own, which a segmentation fault would end."""

import signal
import subprocess
import sys
from pathlib import Path

from core.system.openvino_core import openvino_core

ROOT = Path(__file__).resolve().parents[3]
CODE = """
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


def test_ctrl_c_interrupts_after_networks_were_unloaded():
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{CODE}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False, cwd=ROOT, timeout=300
    )
    assert done.returncode != -signal.SIGSEGV, done.stderr
    assert done.stdout.splitlines() == ["interrupted"]


def test_there_is_one_core():
    assert openvino_core() is openvino_core()
