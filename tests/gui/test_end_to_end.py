"""Starts the real program on a screen of its own and works it with real keys and a real mouse."""

import csv
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageGrab

from core.compare.session import Choice, ComparisonSession
from core.images.demo import demonstration_radiograph
from core.images.preprocessing import resize
from core.images.reader import read_image

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds
SIZE = (1280, 800)


class Screen:
    """A screen without a monitor, the program on it, and hands."""

    def __init__(self, number, folder):
        self.display = f":{number}"
        self.folder = folder
        self.env = {**os.environ, "DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb", "TWINLENS_DATA": str(folder)}
        self.processes = []

    def start(self, *command):
        with (self.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(list(map(str, command)), env=self.env, cwd=ROOT, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def do(self, *words):
        answer = subprocess.run(
            ["xdotool", *map(str, words)], env=self.env, capture_output=True, encoding="utf-8", check=False, timeout=30
        )
        return answer.stdout.strip()

    def key(self, *keys):
        self.do("key", "--delay", "80", *keys)

    def picture(self):
        return np.asarray(ImageGrab.grab(xdisplay=self.display)).astype(int)

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)

    def log(self):
        return (self.folder / "log.txt").read_text(errors="replace")


def until(check, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.2)  # another process is waited for
    pytest.fail(f"in vain: {what}")


@pytest.fixture
def screen(tmp_path):
    missing = [tool for tool in ("Xvfb", "xdotool", "openbox") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    number = 70 + os.getpid() % 900
    made = Screen(number, tmp_path / "home")
    made.folder.mkdir()
    made.start("Xvfb", made.display, "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp")
    until(lambda: made.do("getdisplaygeometry"), "Xvfb")
    made.start("openbox")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path):
    """The demonstration radiograph twice, once mirrored, and a damaged file."""
    images = tmp_path / "images"
    images.mkdir()
    picture = np.rint(resize(read_image(demonstration_radiograph()).displayed(), 400, 380) * 255).astype(np.uint8)
    Image.fromarray(picture).save(images / "a.png")
    Image.fromarray(picture[:, ::-1]).save(images / "b.png")
    (images / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    return images


def test_open_a_folder_analyse_switch_the_class_filter_and_export(screen, folder, tmp_path):
    program = screen.start(sys.executable, "-m", "gui", folder)
    window = until(lambda: screen.do("search", "--onlyvisible", "--name", "Twinlens").split()[-1:], "the window")[0]
    screen.do("windowsize", window, *SIZE)
    screen.do("windowmove", window, 0, 0)
    screen.do("windowfocus", "--sync", window)

    def hot():
        seen = screen.picture()[180:740, 80:1050]  # the images alone
        return int(((seen[:, :, 0] - seen[:, :, 2]) > 110).sum())

    until(lambda: hot() > 500, "a heat map on the screen")
    screen.key("i")
    until(lambda: hot() < 100, "the image without heat map")
    screen.key("i")
    until(lambda: hot() > 500, "the heat map again")

    before = screen.picture()
    screen.do("mousemove", 500, 330, "mousedown", 3, "mousemove", 520, 330, "mousemove", 620, 330, "mouseup", 3)
    until(lambda: abs(screen.picture() - before)[180:740, 80:1050].mean() > 1, "another window and level by a drag")
    screen.key("Escape")
    before = screen.picture()
    screen.key("k")
    until(lambda: abs(screen.picture() - before)[180:740, 80:1050].mean() > 1, "the map of another class")

    screen.key("ctrl+r")
    target = tmp_path / "table.csv"

    def exported():
        """Export until all have been analysed; the dialog takes the name as it is typed."""
        screen.key("ctrl+e")
        until(lambda: screen.do("search", "--onlyvisible", "--name", "Export table"), "the dialog")
        screen.key("ctrl+a")
        screen.do("type", "--delay", "10", str(target))
        screen.key("Return")
        until(target.is_file, "the table")
        with target.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if len(rows) < 3:
            target.unlink()
        return rows if len(rows) == 3 else None

    rows = until(exported, "all three files in the table")
    session = ComparisonSession()
    for row in rows:
        expected = session.examine(Path(row["path"]), Choice(cam="none")).record
        if expected.error:
            assert row["error"] == expected.error
        else:
            assert row["teacher_predicted"] == expected.teacher.predicted
            assert row["student_predicted"] == expected.student.predicted

    screen.key("Escape")
    thumbnails = screen.picture()[150:, :240]
    screen.key("ctrl+f")
    until(lambda: abs(screen.picture()[150:, :240] - thumbnails).mean() > 2, "the wide list")
    before = screen.picture()[150:, :240]
    screen.do("type", "--delay", "20", "b.png")
    until(lambda: abs(screen.picture()[150:, :240] - before).mean() > 0.5, "the filtered list")
    screen.key("ctrl+q")
    assert program.wait(30) == 0, screen.log()
    assert "Traceback" not in screen.log()
