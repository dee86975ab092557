"""The researcher's door where the packages for training are not installed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

WITHOUT = """
import sys
sys.modules["imagehash"] = None
from training.cli.app import main
main()
"""


def test_a_missing_package_is_said_in_a_line_with_what_to_do(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("COVID-19", "Normal"):
        (tmp_path / label).mkdir()
        Image.fromarray(rng.integers(0, 256, (64, 64), np.uint8)).save(tmp_path / label / "a.png")
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT, "check-data", tmp_path],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "Error: The package imagehash is not installed. Training needs: pip install '.[train]'"
    ]
