"""The form for a network of the user's own, and the import from the window to the chooser."""

import onnx
import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox

from core.models.catalogue import read_catalogue
from gui.models.own_model_form import OwnModelForm
from tests.graph_samples import small_model, small_state

PATIENCE = 120_000
ABOUT = {
    "classes": 3,
    "size": [64, 64],
    "tensors": [["relu", "8 maps"]],
    "made_by": "pytorch 2",
    "said": {"mean": [0.5, 0.5, 0.5]},
}


@pytest.fixture
def form(qtbot, tmp_path, make_window):
    window = make_window(cam="none")
    made = OwnModelForm(tmp_path / "zoo.onnx", ABOUT, window)
    qtbot.addWidget(made)
    return made


def test_what_the_file_says_is_filled_in_and_the_rest_is_asked_for(form):
    assert form.name.text() == "zoo"
    assert form.mean.text() == "0.5, 0.5, 0.5"
    assert form.std.text().startswith("0.229")
    assert "3 classes" in form.told.text()
    assert "new task" in form.problem()
    assert not form.take.isEnabled()
    form.new_task.setText("Zoo")
    form.classes.setText("cat, dog")
    assert "2 classes are named, 3 are needed" in form.problem()
    form.classes.setText("cat, dog, owl")
    assert form.problem() == ""
    assert form.take.isEnabled()
    form.tensor.setCurrentIndex(1)
    assert form.arguments() == [
        "--classes=cat,dog,owl",
        "--new-task=Zoo",
        "--role=student",
        "--name=zoo",
        "--mean=0.5,0.5,0.5",
        "--std=0.229,0.224,0.225",
        "--size=64",
        "--tensor=relu",
    ]


def test_a_folder_to_calibrate_it_with_can_be_chosen_and_taken_back(form, tmp_path, monkeypatch):
    for chosen, stated in ((str(tmp_path), [f"--calibrate={tmp_path}"]), ("", [])):
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, folder=chosen: folder)
        form.choose_calibration.click()
        assert [word for word in form.arguments() if word.startswith("--calibrate")] == stated
    assert "Choose" in form.choose_calibration.text()


def test_the_sample_is_shown_as_the_network_gets_it(form):
    assert not form.picture.pixmap().isNull()
    assert form.range.text().startswith("64 × 64, values ")
    form.mean.setText("0, 0, 0")
    form.std.setText("1, 1, 1")
    plain = shown_range(form)
    assert 0 <= plain[0] < plain[1] <= 1
    form.mean.setText("0.5, 0.5, 0.5")
    form.std.setText("0.5, 0.5, 0.5")
    assert shown_range(form) == pytest.approx([2 * value - 1 for value in plain], abs=0.02)
    form.std.setText("1, 0, 1")
    assert "deviation above 0" in form.range.text()


def shown_range(form):
    return [float(word) for word in form.range.text().partition("values ")[2].split(" to ")]


def test_an_installed_task_brings_its_classes_and_its_colour(form):
    form.task.setCurrentIndex(form.task.findData("chest-xray"))
    assert form.classes.text() == "COVID-19, Non-COVID, Normal"
    assert form.grey.isChecked()
    assert not form.grey.isEnabled()
    assert "--task=chest-xray" in form.arguments()
    assert not any(word.startswith("--new-task") for word in form.arguments())


def test_an_onnx_file_is_imported_from_the_window(make_window, tmp_path, qtbot, monkeypatch):
    path = tmp_path / "zoo.onnx"
    onnx.save_model(small_model(small_state(), 64, maps=False), path)
    window = make_window(cam="none")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    window.commands.actions["import_model"].trigger()
    qtbot.waitUntil(lambda: window.findChild(OwnModelForm) is not None, timeout=PATIENCE)
    form = window.findChild(OwnModelForm)
    form.new_task.setText("Zoo")
    form.classes.setText("cat, dog, owl")
    form.accept()
    qtbot.waitUntil(lambda: "Zoo/student-onnx-zoo" in read_catalogue().bundles, timeout=PATIENCE)
    qtbot.waitUntil(lambda: "Zoo/student-onnx-zoo" in window.banner.words.text(), timeout=PATIENCE)
    told = window.findChild(QMessageBox)
    assert "follow a patch" in told.informativeText()
    told.close()


def test_a_file_that_is_no_graph_is_said_at_once(make_window, tmp_path, qtbot, monkeypatch):
    path = tmp_path / "zoo.onnx"
    path.write_bytes(b"no graph")
    window = make_window(cam="none")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    window.commands.actions["import_model"].trigger()
    qtbot.waitUntil(lambda: "not an ONNX graph" in window.banner.words.text(), timeout=PATIENCE)
    assert window.findChild(OwnModelForm) is None
