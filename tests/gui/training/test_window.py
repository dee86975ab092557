import subprocess
import sys

import pytest
from fake_training import row
from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QMessageBox, QPushButton

from gui.training.process import running_in
from gui.training.questions import Leaving
from tests.gui.training.driving import ended, prepare, wait_for
from training.runs.folder import RunFolder


def test_the_findings_are_shown_with_their_severity_in_words(prepared, tmp_path, qtbot):
    other = tmp_path / "tiles"
    other.mkdir()
    prepared.setup.set_data(other)
    wait_for(qtbot, lambda: "1,234" in prepared.setup.data_words.text())
    words = prepared.findings.toPlainText()
    assert "Error" in words
    assert "Leaks <here>." in words
    assert "… and 8 more" in words
    assert "✕ 1 error" in prepared.setup.data_words.text()
    assert prepared.setup.task.currentData() == "lung-colon"
    assert prepared.setup.recipe.currentText().startswith("lung-colon-")


def test_a_folder_without_a_data_set_is_said(prepared, tmp_path, qtbot):
    prepared.setup.set_data(tmp_path / "missing")
    wait_for(qtbot, lambda: "can't be used" in prepared.setup.data_words.text())
    assert "There is no folder" in prepared.findings.toPlainText()


def test_without_data_nothing_begins(make_training, fake):
    window = make_training()
    window.start_button.click()
    assert "No data set has been chosen" in window.banner.words.text()
    assert not window.running


def test_the_size_is_told_before_the_run_and_beside_the_teachers(make_training, fake, qtbot):
    window = make_training()
    wait_for(qtbot, lambda: "7.6 M" in window.setup.size_words.text())
    assert "2.6× smaller" in window.setup.size_words.text()
    assert "VGG19" in window.setup.size_words.text()


def test_what_is_changed_reaches_the_command_and_nothing_else(make_training, fake, tmp_path):
    window = make_training()
    setup = window.setup
    setup.data.setText(str(tmp_path))
    assert setup.plan.command()[0] == "distill"
    assert "--set" not in setup.plan.command()
    setup.epochs.setValue(5)
    assert "optim.epochs=5" in setup.plan.command()
    setup.teacher.setCurrentIndex(setup.teacher.count() - 1)  # the labels alone
    assert setup.plan.command()[0] == "teacher"
    assert setup.plan.resolved().teachers.bundles == ()
    setup.teacher_role.click()
    assert setup.plan.resolved().role == "teacher"
    assert setup.plan.epochs is None
    assert not setup.teacher.isEnabled()


def test_a_recipe_that_does_not_stand_is_said_at_its_place(make_training, fake, recipe_file):
    window = make_training()
    recipe_file.write_text(recipe_file.read_text().replace("accumulate = 1", "accumulate = 2"))
    window.setup.set_recipe_file(recipe_file)
    assert not window.setup.problem.text()
    window.setup.batch.setValue(11)
    assert "multiple of accumulate" in window.setup.problem.text()


@pytest.mark.parametrize(
    ("answer", "stays", "goes_on"), [("cancel", True, True), ("go on", False, True), ("stop", False, False)]
)
def test_closing_during_a_run_asks(prepared, fake, monkeypatch, qtbot, answer, stays, goes_on):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    monkeypatch.setattr(prepared, "ask", lambda: answer)
    event = QCloseEvent()
    prepared.closeEvent(event)
    assert event.isAccepted() is not stays
    if goes_on:
        assert not (prepared.setup.plan.out / "stop").exists()
    else:
        wait_for(qtbot, ended(prepared))
    assert prepared.running is goes_on


def test_the_program_stays_where_the_person_wants_to_stay(prepared, fake, monkeypatch, qtbot):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    monkeypatch.setattr(prepared, "ask", lambda: "cancel")
    assert prepared.let_go() is Leaving.STAYS
    assert prepared.running


def test_the_geometry_is_remembered(make_training, fake):
    first = make_training()
    assert first.height() > 600
    first.resize(first.width(), 600)  # as wide as the tests' screen has room for
    first.close()
    assert make_training().size() == first.size()


def test_the_best_epoch_is_named_and_ringed(prepared):
    charts = prepared.charts
    charts.begin("teacher", 5, [row(0), row(1) | {"val_accuracy": 0.95}, row(2)])
    assert "Best so far, epoch 2" in charts.words.text()
    charts.add_epoch(row(3))
    assert [int(r["epoch"]) for r in charts.rows] == [0, 1, 2, 3]
    charts.add_epoch(row(2))
    assert [int(r["epoch"]) for r in charts.rows] == [0, 1, 2]


def test_the_window_needs_no_torch():
    script = "import sys, gui.training.window; print({'torch', 'timm', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("words", "answer"), [("Continue", "go on"), ("Stop", "stop"), ("Cancel", "cancel")])
def test_the_question_about_a_run_is_answered_by_its_buttons(make_training, fake, words, answer):
    window = make_training()

    def press():
        box = window.findChild(QMessageBox)
        next(button for button in box.buttons() if words in button.text().replace("&", "")).click()

    QTimer.singleShot(0, press)
    assert window.ask() == answer


@pytest.mark.parametrize("end", ["Add", "Cancel"])
def test_what_only_a_person_can_state_is_asked_for(make_training, fake, end):
    window = make_training()

    def answer():
        dialog = window.findChild(QDialog)
        _data, use, licence = dialog.findChildren(QLineEdit)
        licence.setText(" CC BY 4.0 ")
        assert not use.text()
        next(button for button in dialog.findChildren(QPushButton) if end in button.text()).click()

    QTimer.singleShot(0, answer)
    assert window.describe() == ({"--licence": "CC BY 4.0"} if end == "Add" else None)


@pytest.mark.qt_log_ignore("This plugin does not support raise")  # the offscreen platform has no stack of windows
def test_the_menu_opens_it_and_the_program_ends_only_as_the_person_says(
    make_window, fake, recipe_file, tmp_path, qtbot
):
    main = make_window()
    for _ in range(2):
        main.commands.actions["train"].trigger()
        qtbot.waitUntil(lambda: main.training is not None and main.training.isVisible())
    window = main.training
    prepare(window, recipe_file, tmp_path / "data", tmp_path / "run", qtbot)
    fake("hang")
    window.start_button.click()
    wait_for(qtbot, lambda: window.charts.rows)
    window.ask = lambda: "cancel"
    main.close()
    assert main.isVisible()
    window.ask = lambda: "stop"
    main.close()
    assert not main.isVisible()
    assert not main.all_stopped  # the run still writes its checkpoint, and must not be ended with the program
    wait_for(qtbot, lambda: running_in(tmp_path / "run") is None)
    assert RunFolder(tmp_path / "run").read_result().status == "stopped"


@pytest.mark.qt_log_ignore("This plugin does not support raise")  # the offscreen platform has no stack of windows
def test_a_new_model_is_offered_at_once(make_window, fake, qtbot):
    main = make_window()
    main.show_training()
    asked = []
    main.chooser.set_catalogue = asked.append
    main.training.models_changed.emit("chest-xray/student-ofa595")
    assert "chest-xray/student-ofa595" in asked[0].bundles
    assert "Trained and installed" in main.banner.words.text()
