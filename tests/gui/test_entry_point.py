import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

ENVIRONMENT = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


def gui(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "gui", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=ENVIRONMENT,
        timeout=300,
    )


def test_the_demonstration_is_shown_analysed_and_saved(own_data, tmp_path):
    ENVIRONMENT["TWINLENS_DATA"] = str(own_data)
    picture = tmp_path / "window.png"
    answer = gui("--demo", "--screenshot", picture)
    assert answer.returncode == 0, answer.stderr
    shown = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert shown.shape == (800, 1280, 3)
    red, green, blue = (shown[:, :, i] for i in range(3))
    grey = (abs(red - green) < 6) & (abs(green - blue) < 6) & (red > 60)
    assert grey.mean() > 0.05  # the radiograph
    assert ((red - blue) > 120).mean() > 0.002  # the hot part of the heat maps


def test_a_file_that_cant_be_opened_is_shown_with_the_reason_and_ends_with_one(own_data, tmp_path):
    ENVIRONMENT["TWINLENS_DATA"] = str(own_data)
    picture = tmp_path / "window.png"
    answer = gui(tmp_path / "missing.png", "--screenshot", picture)
    assert answer.returncode == 1, answer.stderr
    assert picture.is_file()


def test_the_window_is_up_before_torch_and_openvino_are_imported():
    script = (
        "import sys\n"
        "from gui.window.app import make_application\n"
        "from gui.window.main_window import MainWindow\n"
        "app = make_application(); window = MainWindow(); window.show(); app.processEvents()\n"
        "heavy = {'torch', 'openvino', 'timm', 'ofa', 'pytorch_grad_cam', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "window.close()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False, env=ENVIRONMENT
    )
    assert answer.returncode == 0, answer.stderr


def test_an_installation_tests_itself(own_data):
    ENVIRONMENT["TWINLENS_DATA"] = str(own_data)
    answer = gui("--self-test")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "Everything works."


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
def test_without_a_display_it_says_what_to_do():
    bare = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    answer = subprocess.run(
        [sys.executable, "-m", "gui", "--demo"], capture_output=True, encoding="utf-8", check=False, env=bare
    )
    assert answer.returncode == 1
    assert answer.stderr.splitlines() == [
        "Error: There is no display to open a window on. "
        "Use python -m core compare, or set QT_QPA_PLATFORM=offscreen for a screenshot."
    ]
