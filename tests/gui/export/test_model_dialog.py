"""Export model in the window: what can be chosen, and an export from the button to the files."""

import json

import pytest
from PySide6.QtCore import QProcess
from PySide6.QtWidgets import QFileDialog, QWidget

from core.deploy import export as exporting
from core.models.catalogue import read_catalogue
from gui.export.model_dialog import ModelExportDialog
from tests.gui.driving import PATIENCE


@pytest.fixture
def dialog(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    bundles = read_catalogue().bundles
    made = ModelExportDialog([*bundles.values()], "chest-xray/student-ofa595", parent)
    made.open()
    yield made
    made.done(0)


def choose(box, value):
    box.setCurrentIndex(box.findData(value))
    assert box.currentData() == value


def test_what_does_not_go_together_can_not_be_chosen(dialog, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "find_spec", lambda _name: object())
    assert dialog.model.currentData() == "chest-xray/student-ofa595"
    assert not dialog.validation.isEnabled()
    choose(dialog.precision, "int8")
    assert dialog.validation.isEnabled()
    assert not dialog.export.isEnabled()
    dialog.validation.line.setText(str(tmp_path))
    assert dialog.export.isEnabled()
    choose(dialog.format, "torchscript")
    assert dialog.precision.findData("int8") == -1
    assert not dialog.scale.isVisible()
    choose(dialog.model, "lung-colon/student-ofa595")
    assert dialog.scale.isVisible()
    monkeypatch.setattr(exporting, "find_spec", lambda name: None if name == "onnxruntime" else object())
    choose(dialog.format, "onnx")
    assert not dialog.export.isEnabled()
    assert "onnxruntime" in dialog.words.text()


def test_an_export_says_what_was_measured_and_where_it_is(dialog, tmp_path, qtbot, monkeypatch):
    pytest.importorskip("onnxscript")
    choose(dialog.format, "openvino")
    choose(dialog.precision, "float16")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    with qtbot.waitSignal(dialog.writer.written, timeout=PATIENCE):
        dialog.export.click()
        assert not dialog.export.isEnabled()
    (folder,) = tmp_path.iterdir()
    assert folder.name == "chest-xray-student-ofa595-openvino-float16"
    assert (folder / "model.xml").is_file()
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert figures["compared"]["same_class"] == 5
    assert str(folder) in dialog.words.text()
    assert "Same class on 5 of 5 images" in dialog.words.text()
    assert dialog.export.isEnabled()
    with qtbot.waitSignal(dialog.writer.failed, timeout=PATIENCE):  # the folder is there now
        dialog.export.click()
    assert "Choose a new folder" in dialog.words.text()


def test_stopping_leaves_nothing(dialog, tmp_path, qtbot, monkeypatch):
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog.export.click()
    qtbot.waitUntil(lambda: any(tmp_path.iterdir()), timeout=PATIENCE)
    dialog.stop_button.click()
    assert not dialog.writer.busy
    assert list(tmp_path.iterdir()) == []
    assert dialog.words.text() == "Stopped. Nothing was written."
    assert not dialog.findChildren(QProcess) or all(
        process.state() == QProcess.ProcessState.NotRunning for process in dialog.findChildren(QProcess)
    )
