"""Where exports are saved unless the person wants them elsewhere."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.images.demo import demonstration_radiograph
from gui.common import reveal
from gui.common.notifications import Banner
from gui.common.places import folder_of, free_file
from gui.export.file_field import FileField


@pytest.fixture
def field(qtbot):
    made = FileField()
    qtbot.addWidget(made)
    return made


def test_it_is_beside_the_images_where_these_are_the_users_own(tmp_path):
    assert folder_of([tmp_path / "a.png", Path("/elsewhere/b.png")]) == tmp_path
    for place in (folder_of([demonstration_radiograph()]), folder_of([Path("/proc/1/a.png")]), folder_of([])):
        assert place.is_dir()
        assert place.is_relative_to(Path.home())


def test_a_suggested_file_replaces_none(field, tmp_path):
    field.suggest(tmp_path, "a report.pdf")
    assert field.confirmed() == tmp_path / "a report.pdf"
    (tmp_path / "b.pdf").touch()
    (tmp_path / "b 2.pdf").touch()
    assert free_file(tmp_path, "b.pdf") == tmp_path / "b 3.pdf"


def test_a_file_that_the_person_names_stays(field, tmp_path):
    field.suggest(tmp_path, "a.pdf")
    field.field.setText(str(tmp_path / "mine"))
    field.field.setModified(True)
    field.suggest(tmp_path, "other.pdf")
    assert field.confirmed() == tmp_path / "mine.pdf"


def test_a_file_that_is_there_is_replaced_only_by_consent(field, tmp_path, monkeypatch):
    (tmp_path / "old.pdf").touch()
    asked = []
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *words: asked.append(words[2]) or next(answers))
    field.field.setText(str(tmp_path / "old.pdf"))
    assert field.confirmed() is None
    assert "old.pdf is there already" in asked[0]
    assert field.confirmed() == tmp_path / "old.pdf"
    assert field.confirmed() == tmp_path / "old.pdf"
    assert len(asked) == 2, "what it has just written it may write again"


def test_the_dialog_starts_where_the_images_are(field, tmp_path, monkeypatch):
    starts = []

    def choose(_parent, _title, start, _kinds):
        starts.append(Path(start))
        return str(tmp_path / "chosen.pdf"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    field.suggest(tmp_path, "a.pdf")
    field.button.click()
    assert starts == [tmp_path / "a.pdf"]
    assert field.confirmed() == tmp_path / "chosen.pdf"


def test_what_was_written_can_be_opened_and_shown_in_its_folder(qtbot, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(reveal.QDesktopServices, "openUrl", lambda url: opened.append(Path(url.toLocalFile())))
    monkeypatch.setattr(reveal.sys, "platform", "linux")
    banner = Banner()
    qtbot.addWidget(banner)
    banner.say_written(tmp_path / "a.csv")
    assert "a.csv" in banner.words.text()
    banner.second.click()
    assert opened == [tmp_path]
    assert banner.isVisibleTo(None) or not banner.isHidden()
    banner.button.click()
    assert opened == [tmp_path, tmp_path / "a.csv"]
    banner.say("Something else")
    assert banner.button.isHidden()
    assert banner.second.isHidden()
