"""Institution, reader and logo in the settings."""

import io

import pytest
from PIL import Image
from PySide6.QtWidgets import QWidget

from core.reports.letterhead import LONGEST
from gui.common.threads import Background
from gui.settings.dialog import SettingsDialog
from gui.settings.letterhead import LetterheadBox, logo_file, read_letterhead, read_logo
from gui.settings.preferences import Preferences, read_preferences, store, write_preferences
from tests.gui.driving import PATIENCE

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><rect width="20" height="10" fill="#c80000"/></svg>'


@pytest.fixture
def box(qtbot, own_data):
    owner = QWidget()
    qtbot.addWidget(owner)
    made = LetterheadBox(Preferences(), owner)
    qtbot.addWidget(made)
    yield made
    assert all(job.wait(PATIENCE) for job in owner.findChildren(Background))


def test_a_drawing_becomes_a_picture_on_white(tmp_path, qapp):
    (tmp_path / "logo.svg").write_text(SVG)
    found = Image.open(io.BytesIO(read_logo(tmp_path / "logo.svg")))
    assert found.size == (LONGEST, LONGEST // 4)
    assert found.getpixel((LONGEST // 4, 50)) == (200, 0, 0)
    assert found.getpixel((3 * LONGEST // 4, 50)) == (255, 255, 255)


def test_what_is_chosen_counts_once_it_is_saved(box, qtbot, tmp_path):
    (tmp_path / "logo.svg").write_text(SVG)
    assert not box.remove.isEnabled()
    box.take_file(tmp_path / "logo.svg")
    qtbot.waitUntil(box.remove.isEnabled, timeout=PATIENCE)
    assert not box.picture.pixmap().isNull()
    assert read_letterhead(Preferences()).logo is None
    box.save()
    stored = read_letterhead(Preferences(institution=" Radiology ", reader="Dr Roe"))
    assert (stored.institution, stored.reader) == ("Radiology", "Dr Roe")
    assert Image.open(io.BytesIO(stored.logo)).getpixel((10, 10)) == (200, 0, 0)
    box.remove.click()
    assert logo_file().exists()
    box.save()
    assert not logo_file().exists()


@pytest.mark.parametrize(("name", "content"), [("a.svg", "<svg"), ("a.png", "text"), ("a.txt", "text")])
def test_what_is_no_logo_is_said_and_the_old_one_stays(name, content, box, qtbot, tmp_path):
    (tmp_path / "logo.svg").write_text(SVG)
    box.take_file(tmp_path / "logo.svg")
    qtbot.waitUntil(box.remove.isEnabled, timeout=PATIENCE)
    (tmp_path / name).write_text(content)
    box.take_file(tmp_path / name)
    qtbot.waitUntil(lambda: name in box.words.text(), timeout=PATIENCE)
    assert "PNG, JPEG or SVG" in box.words.text()
    assert box.remove.isEnabled()


def test_a_damaged_stored_logo_keeps_no_report_from_being_made(own_data):
    logo_file().parent.mkdir(parents=True)
    logo_file().write_bytes(b"\x89PNG damaged")
    assert read_letterhead(Preferences(reader="Dr Roe")).logo is None


def test_names_are_remembered(qtbot, own_data):
    dialog = SettingsDialog(Preferences())
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.storage.measured, timeout=PATIENCE):
        dialog.letterhead.institution.setText("St Mary's, Radiology")
        dialog.letterhead.reader.setText("Dr Jane Roe")
    write_preferences(store(), dialog.preferences)
    assert read_preferences(store()) == dialog.preferences
    assert read_preferences(store()).institution == "St Mary's, Radiology"
    assert all(job.wait(PATIENCE) for job in dialog.findChildren(Background))
