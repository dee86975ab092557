"""Places that can't be written: each command says which, in a line, and goes on where it can."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from unprivileged import unprivileged

from core.system import paths

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)], capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        preexec_fn=unprivileged, env={**os.environ, **{name: str(value) for name, value in environment.items()}},
    )  # fmt: skip


@pytest.fixture
def closed(tmp_path):
    """A folder that may not be written."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    yield folder
    folder.chmod(0o755)


def test_a_cache_that_cannot_be_written_has_a_stand_in_for_all_processes(closed):
    script = (
        "import os, subprocess, sys"
        "; from pathlib import Path; from core.system.paths import cache_folder, cache_notice\n"
        "here = cache_folder(); (here / 'x').touch()\n"
        "child = 'from core.system.paths import *; print(cache_folder(), bool(cache_notice()))'\n"
        "print(here); print(cache_folder()); print(cache_notice())\n"
        "print(subprocess.run([sys.executable, '-c', child], capture_output=True, encoding='utf-8').stdout)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True, cwd=ROOT,
        preexec_fn=unprivileged, env={**os.environ, "TWINLENS_CACHE": str(closed / "cache")},
    )  # fmt: skip
    first, second, notice, child, *_ = answer.stdout.splitlines()
    assert first == second
    assert child == f"{first} False"
    assert f"{closed / 'cache'}: The cache can't be written (Permission denied)" in notice
    assert not Path(first).exists()


def test_the_window_says_where_nothing_can_be_kept(closed):
    script = (
        "from PySide6.QtCore import QTimer; from gui.window import app\n"
        "application = app.make_application()\n"
        "def look():\n"
        "    for window in application.topLevelWidgets():\n"
        "        if hasattr(window, 'banner'): print(window.banner.words.text()); window.close()\n"
        "QTimer.singleShot(0, look); app.start([], None)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True, cwd=ROOT,
        preexec_fn=unprivileged,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "TWINLENS_DATA": str(closed / "data"),
             "TWINLENS_CACHE": str(closed / "cache")},
    )  # fmt: skip
    assert f"{closed / 'data'}: No settings, session or history can be stored here (Permission denied)" in answer.stdout
    assert f"{closed / 'cache'}: The cache can't be written (Permission denied)" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_a_cache_that_can_be_written_is_taken_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "new"))
    assert paths.cache_folder() == tmp_path / "new"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("core", "card", "chest-xray/student-ofa595", "--out", "{closed}/card.md"), "card.md"),
        (("core", "compare", "{image}", "--csv", "{closed}/t.csv"), "t.csv"),
        (("core", "compare", "{image}", "--export", "{closed}/maps"), "maps"),
        (("core", "compare", "{image}", "--report", "{closed}/" + "x" * 300), "x" * 300),
        (("core", "history", "list"), "closed/data"),
        (("core", "import", "{bundle}"), "closed/data"),
        (("training", "check-data", "{closed}/missing", "--report", "{closed}/r.md"), "missing"),
    ],
)
def test_the_place_is_said_in_a_line(closed, chest_path, arguments, name):
    from core.models.catalogue import read_catalogue

    places = {"closed": closed, "image": chest_path,
              "bundle": read_catalogue().bundles["chest-xray/student-ofa595"].directory}  # fmt: skip
    answer = run(*(argument.format(**places) for argument in arguments), TWINLENS_DATA=closed / "data")
    assert answer.returncode in (1, 2)
    (line,) = answer.stderr.splitlines()
    assert line.startswith("Error: ")
    assert name in line


def test_a_folder_that_may_not_be_entered_costs_no_command_a_traceback(closed):
    closed.chmod(0)
    answer = run("core", "models", TWINLENS_DATA=closed / "data")
    assert "chest-xray/student-ofa595" in answer.stdout
    assert answer.stderr.startswith(
        f"Not usable: {closed / 'data' / 'weights'}: The folder of your models can't be read"
    )
    answer = run("core", "compare", closed / "image.png", TWINLENS_DATA=closed / "data", TWINLENS_CACHE=closed / "c")
    assert answer.returncode == 1
    assert f"✗ {closed / 'image.png'}: You have no permission" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_a_full_disk_under_what_is_printed_is_said():
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "core", "models"], stdout=full, stderr=subprocess.PIPE, encoding="utf-8",
            check=False, cwd=ROOT,
        )  # fmt: skip
    assert answer.returncode == 1
    assert answer.stderr.splitlines() == ["Error: The disk is full. Free some space or choose another disk."]
