import json
import shutil
import zipfile

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.images.demo import demonstration_radiograph
from core.models.catalogue import import_bundle, read_catalogue
from core.system.paths import user_weights
from gui.models.importer import Answer, ModelImport
from gui.models.manager import ModelManager
from tests.gui.driving import settled

PATIENCE = 60_000


@pytest.fixture
def bundle(tmp_path):
    """The student of the chest, as somebody else might hand it on."""
    folder = tmp_path / "from a colleague"
    shutil.copytree(read_catalogue().find("chest-xray", "student").directory, folder)
    return folder


def choose(window, monkeypatch, path, wanted=Answer.INSTALL):
    asked = []
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    monkeypatch.setattr(ModelImport, "wanted", lambda _self, origin: asked.append(origin) or wanted)
    window.commands.actions["import_model"].trigger()
    return asked


def test_a_model_is_installed_once_the_person_has_read_whose_it_is(make_window, bundle, qtbot, monkeypatch):
    window = make_window(cam="none")
    asked = choose(window, monkeypatch, bundle / "card.json")
    qtbot.waitUntil(lambda: "Installed: chest-xray/student-ofa595" in window.banner.words.text(), timeout=PATIENCE)
    assert asked[0].replaces == "bundled"
    assert (user_weights() / "chest-xray" / "student-ofa595" / "weights.safetensors").is_file()


def test_both_models_of_a_network_are_kept_and_one_can_stand_in_the_teachers_place(
    make_window, bundle, qtbot, monkeypatch
):
    window = make_window(cam="none")
    choose(window, monkeypatch, bundle / "card.json", wanted=Answer.BESIDE)
    qtbot.waitUntil(lambda: "Installed: chest-xray/student-ofa595+2" in window.banner.words.text(), timeout=PATIENCE)
    box = window.chooser.student_box
    assert [box.itemText(i) for i in range(2)] == ["OFA-595", "OFA-595 (2)"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert window.chooser.choice.student == "ofa595+2"
    teachers = window.chooser.teacher_box
    place = teachers.findText("OFA-595 (student)")
    teachers.setCurrentIndex(place)
    teachers.activated.emit(place)
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.open_paths([demonstration_radiograph()])
    compared = window.controller.comparison
    assert (compared.teacher.bundle.id, compared.student.bundle.id) == (
        "chest-xray/student-ofa595",
        "chest-xray/student-ofa595+2",
    )
    assert compared.js_divergence == 0


def test_a_model_that_is_not_wanted_is_not_copied(make_window, bundle, qtbot, monkeypatch, tmp_path):
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in bundle.iterdir():
            made.write(path, path.name)
    window = make_window(cam="none")
    asked = choose(window, monkeypatch, archive, wanted=Answer.NO)
    qtbot.waitUntil(lambda: bool(asked), timeout=PATIENCE)
    assert asked[0].licence == json.loads((bundle / "card.json").read_text(encoding="utf-8"))["licence"]
    assert not user_weights().exists()


def test_a_damaged_model_is_refused_in_words_and_leaves_nothing(make_window, bundle, qtbot, monkeypatch):
    weights = bundle / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    window = make_window(cam="none")
    choose(window, monkeypatch, bundle / "card.json")
    qtbot.waitUntil(lambda: str(bundle) in window.banner.words.text(), timeout=PATIENCE)
    assert "checksum" in window.banner.words.text()
    assert not list(user_weights().rglob("weights.safetensors"))


def test_what_is_no_model_is_said_at_once(make_window, tmp_path, qtbot, monkeypatch):
    (tmp_path / "card.json").write_text("[]", encoding="utf-8")
    window = make_window(cam="none")
    assert choose(window, monkeypatch, tmp_path / "card.json") == []
    qtbot.waitUntil(lambda: str(tmp_path) in window.banner.words.text(), timeout=PATIENCE)


def test_the_question_says_who_made_it_and_what_it_replaces(make_window, bundle, qtbot):
    from PySide6.QtCore import QTimer

    from core.models.catalogue import read_provenance

    window = make_window(cam="none")
    origin = read_provenance(bundle)
    seen = []

    def look():
        box = window.findChild(QMessageBox)
        seen.append(box.informativeText())
        next(button for button in box.buttons() if "Install" in button.text()).click()

    QTimer.singleShot(0, look)
    assert window.importer.wanted(origin) is Answer.INSTALL
    for words in (origin.made_by, origin.digest, origin.licence, "came with Twinlens"):
        assert words in seen[0]


def test_a_chosen_model_that_is_removed_gives_way_to_the_shipped_one(make_window, bundle, qtbot, monkeypatch):
    window = make_window(cam="none")
    import_bundle(bundle, lambda _bundle: None, "theirs")
    window.take_models()
    box = window.chooser.student_box
    box.setCurrentIndex(box.findText("OFA-595 (theirs)"))
    box.activated.emit(box.currentIndex())
    window.commands.actions["models"].trigger()
    manager = window.findChild(ModelManager)
    manager.choose("chest-xray/student-ofa595+theirs")
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    manager.actions_by_name["remove"].trigger()
    assert box.findText("OFA-595 (theirs)") == -1
    assert settled(window, qtbot, lambda: window.open_paths([demonstration_radiograph()]))
    assert window.controller.comparison.student.bundle.id == "chest-xray/student-ofa595"
    manager.close()
