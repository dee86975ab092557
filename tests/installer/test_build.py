import runpy
import sys
from pathlib import Path

import pytest

import build_installer
from core.process import own_command

ROOT = Path(__file__).resolve().parents[2]


def test_the_program_starts_itself_from_source_and_frozen(monkeypatch):
    assert own_command("core", "models") == [sys.executable, "-m", "core", "models"]
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_command("training", "--help") == [sys.executable, "training", "--help"]


@pytest.mark.parametrize(
    ("word", "says"), [("core", "Teacher and distilled student"), ("training", "Make and measure")]
)
def test_the_installed_program_opens_the_door_of_its_first_word(word, says, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["twinlens", word, "--help"])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / "assets" / "installer" / "entry.py"), run_name="__main__")
    assert left.value.code == 0
    assert says in capsys.readouterr().out


def test_sizes_are_told_by_part_the_heaviest_first(tmp_path):
    for name, size in (
        ("_internal/torch/lib/a.so", 3_000_000),
        ("_internal/cv2/b.so", 1_000_000),
        ("twinlens", 500_000),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    rows = build_installer.size_report(tmp_path).splitlines()[2:]
    assert rows == ["| torch | 3.0 |", "| cv2 | 1.0 |", "| program | 0.5 |", "| all | 4.5 |"]


def test_every_file_that_the_installer_names_is_there():
    spec = (ROOT / "assets/installer/twinlens.spec").read_text()
    for folder in ("weights", "icons", "fonts"):
        assert f'"{folder}"' in spec
        assert (ROOT / "assets" / folder).is_dir()
    desktop = (ROOT / "assets/installer/twinlens.desktop").read_text()
    assert "Exec=twinlens %F" in desktop
    assert "application/dicom" in desktop
