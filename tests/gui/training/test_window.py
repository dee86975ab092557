import json
import subprocess
import sys
from pathlib import Path

import fake_training
import pytest
from fake_training import row
from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import QDialog, QLineEdit, QMessageBox, QPushButton
from tiny_training import single_threaded, tiny_recipe, write_images

from core.system.subprocesses import own_command
from gui.settings.preferences import store
from gui.training import process
from gui.training.process import TrainingRun, running_in
from gui.training.progress import Pace
from gui.training.window import TrainingWindow
from tests.gui.comparison_samples import dispose
from training.recipe import to_toml
from training.runs.folder import RunFolder
from training.runs.lock import owned

PATIENCE = 120_000  # milliseconds; torch takes its time to load on busy cores
FAKE = Path(fake_training.__file__)


@pytest.fixture(autouse=True)
def no_process_left():
    """Lets go of runs that were left to themselves, and which the tests have ended."""
    yield
    for left in process._left:
        left.waitForFinished(5000)
    process._left.clear()


@pytest.fixture
def fake(monkeypatch):
    """Puts a process in the place of the training module that only behaves like it; returns how to choose the way."""
    monkeypatch.setattr(process, "own_command", lambda _package, *words: [sys.executable, str(FAKE), *words])
    return lambda how: monkeypatch.setenv("TWINLENS_FAKE", how)


@pytest.fixture
def make_training(qtbot, own_data, monkeypatch):
    """Returns a function that opens a training window; runs are ended at the end."""
    made = []

    def make():
        window = TrainingWindow(store())  # not given to qtbot, which would close it before its run is ended
        window.show()
        made.append(window)
        return window

    yield make
    for window in made:
        process = running_in(window.setup.plan.out)
        monkeypatch.setattr(window, "ask", lambda: "go on")
        window.let_go()
        window.close()
        dispose(window)
        if process is not None:
            process.kill()


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(to_toml(tiny_recipe(optim__epochs=3)))
    return path


@pytest.fixture
def prepared(make_training, fake, recipe_file, tmp_path, qtbot):
    """A window in which everything is chosen."""
    window = make_training()
    return prepare(window, recipe_file, tmp_path / "data", tmp_path / "run", qtbot)


def prepare(window, recipe, data, run, qtbot):
    data.mkdir(exist_ok=True)
    window.setup.set_recipe_file(recipe)
    window.setup.data.setText(str(data))
    window.setup.out.setText(str(run))
    return window


def ended(window):
    return lambda: window._run is None or not window.running


def wait_for(qtbot, condition):
    qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE)


def test_a_run_is_followed_to_its_end_and_becomes_a_model(prepared, qtbot, monkeypatch):
    window = prepared
    window.start_button.click()
    assert window.stop_button.isVisible()
    assert not window.setup.recipe.isEnabled()
    wait_for(qtbot, ended(window))
    assert [r["val_accuracy"] for r in window.charts.rows] == pytest.approx([0.6, 0.7, 0.8])
    _x, heights = window.charts.scores.curves["val_accuracy"].getData()
    assert list(heights) == pytest.approx([60, 70, 80])

    assert "epoch 3" in window.charts.words.text()
    assert "Finished" in window.progress.title.text()
    assert "3 of 3 epochs" in window.progress.details.text()
    assert not window.resume_button.isVisible()

    assert not window.add_button.isVisible()
    window.measure_button.click()
    wait_for(qtbot, window.add_button.isVisible)
    monkeypatch.setattr(window, "confirm", lambda installed: installed.id != "chest-xray/student-ofa595")
    window.add_button.click()
    assert not window.measuring.running
    monkeypatch.setattr(window, "confirm", lambda _installed: True)
    monkeypatch.setattr(window, "describe", lambda: None)
    window.add_button.click()
    assert not window.measuring.running
    monkeypatch.setattr(window, "describe", lambda: {"--licence": "CC0"})
    with qtbot.waitSignal(window.models_changed, timeout=PATIENCE) as added:
        window.add_button.click()
    assert added.args == ["chest-xray/student-ofa595"]
    assert json.loads((window.setup.plan.out / "published.json").read_text()) == ["--licence", "CC0"]
    assert "90.0 % of 30 test images right (80.0 to 95.0 %)" in window.progress.details.text()
    assert "⚠ only 30 images were scored" in window.progress.details.text()
    assert "scored" in window.log.toPlainText()


def test_a_model_that_cant_be_published_is_said(prepared, fake, qtbot, monkeypatch):
    prepared.start_button.click()
    wait_for(qtbot, ended(prepared))
    fake("refuse-publish")
    prepared.measure_button.click()
    wait_for(qtbot, prepared.add_button.isVisible)
    monkeypatch.setattr(prepared, "confirm", lambda _installed: True)
    monkeypatch.setattr(prepared, "describe", dict)
    prepared.add_button.click()
    wait_for(qtbot, prepared.banner.isVisible)
    assert "evaluated with other weights" in prepared.banner.words.text()
    assert prepared.measure_button.isVisible()


def test_while_it_learns_the_window_says_where_it_is_and_how_long_it_takes(prepared, fake, qtbot):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    words = prepared.progress.details.text()
    assert "Epoch 1 of 3" in words
    assert "40 images/s" in words
    assert "2 min left" in words
    assert list(prepared.charts.loss.curves["steps"].getData()[0]) == pytest.approx([1.0])
    assert prepared.progress.bar.value() == pytest.approx(prepared.progress.bar.maximum() / 3, abs=1)


def test_stop_asks_for_a_checkpoint_and_resume_goes_on_from_there(prepared, fake, qtbot):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    prepared.stop_button.click()
    assert "at once" in prepared.stop_button.text()
    wait_for(qtbot, ended(prepared))
    assert "Can go on" in prepared.progress.title.text()
    assert len(prepared.charts.rows) == 1
    fake("finish")
    prepared.resume_button.click()
    wait_for(qtbot, ended(prepared))
    assert [int(r["epoch"]) for r in prepared.charts.rows] == [0, 1, 2]


def test_a_process_that_does_not_listen_is_ended_at_the_second_time(prepared, fake, qtbot):
    fake("deaf")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    prepared.stop_button.click()
    prepared.stop_button.click()
    wait_for(qtbot, ended(prepared))
    assert prepared.resume_button.isVisible()


def test_a_crash_leaves_the_window_usable_and_is_told_with_the_log(prepared, fake, qtbot):
    fake("die")
    with qtbot.waitSignal(prepared.news, timeout=PATIENCE) as news:
        prepared.start_button.click()
    assert news.args[1]
    assert "signal 9" in prepared.banner.words.text()
    prepared.banner.button.click()
    assert "something on the way out" in QGuiApplication.clipboard().text()
    assert "something on the way out" in prepared.log.toPlainText()
    fake("finish")
    prepared.resume_button.click()
    wait_for(qtbot, ended(prepared))
    assert len(prepared.charts.rows) == 3


def test_what_the_training_refuses_is_said_in_its_own_words_and_can_be_corrected(prepared, fake, qtbot):
    fake("refuse")
    prepared.start_button.click()
    wait_for(qtbot, prepared.banner.isVisible)
    assert "There is not enough of anything. Bring more." in prepared.banner.words.text()
    assert prepared.start_button.isVisible()
    assert prepared.setup.recipe.isEnabled()


def test_a_program_that_can_not_be_started_is_said(prepared, monkeypatch, qtbot):
    monkeypatch.setattr(process, "own_command", lambda *_: ["/nowhere/python"])
    prepared.start_button.click()
    wait_for(qtbot, prepared.banner.isVisible)
    assert prepared.start_button.isVisible()


def test_a_folder_that_can_not_be_made_is_said(prepared, tmp_path):
    (tmp_path / "file").write_text("")
    prepared.setup.out.setText(str(tmp_path / "file" / "run"))
    prepared.start_button.click()
    assert prepared.banner.isVisible()
    assert not prepared.running


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


def test_a_run_goes_on_without_the_window_and_is_found_again(prepared, make_training, fake, monkeypatch, qtbot):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    folder = prepared.setup.plan.out
    monkeypatch.setattr(prepared, "ask", lambda: "go on")
    assert prepared.let_go() is False
    assert running_in(folder) is not None

    again = make_training()  # finds the run that was left to itself
    assert again.setup.plan.out == folder
    wait_for(qtbot, lambda: len(again.charts.rows) == 1)
    assert again.running
    again.stop_button.click()
    wait_for(qtbot, ended(again))
    assert "Can go on" in again.progress.title.text()
    assert running_in(folder) is None


def test_two_processes_never_work_in_one_folder(prepared, fake, qtbot):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    with pytest.raises(Exception, match="under way already"):
        TrainingRun(prepared.setup.plan.out, prepared).start("teacher")


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
    assert prepared.let_go() is None
    assert prepared.running


def test_a_folder_without_a_run_is_said(make_training, fake, tmp_path):
    window = make_training()
    window.open_run(tmp_path)
    assert "No run lies here" in window.banner.words.text()


def test_a_run_of_the_command_line_is_followed_and_stopped_in_the_window(make_training, tmp_path, qtbot):
    data, out = write_images(tmp_path / "images", 60), RunFolder(tmp_path / "run")
    (tmp_path / "long.toml").write_text(to_toml(tiny_recipe(optim__epochs=5000)))
    words = ["teacher", "--recipe", tmp_path / "long.toml", "--data", data, "--out", out.path]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-m", "training", *words], **streams, env=single_threaded()) as process:
        try:
            wait_for(qtbot, out.metrics.is_file)
            window = make_training()
            window.open_run(out.path)
            assert window.running
            wait_for(qtbot, lambda: len(window.charts.rows) > 1)
            assert not window.start_button.isVisible()
            with pytest.raises(Exception, match=f"under way already, by process {process.pid}"):
                TrainingRun(out.path, window).start("teacher")
            window.stop_button.click()
            wait_for(qtbot, ended(window))
            process.wait()
        finally:
            process.kill()
    assert process.returncode == 3
    assert "Can go on" in window.progress.title.text()
    assert out.read_result().status == "stopped"


def test_a_run_that_is_still_being_prepared_is_said(make_training, tmp_path):
    with owned(RunFolder(tmp_path / "run")):
        window = make_training()
        window.open_run(tmp_path / "run")
    assert "still being prepared" in window.banner.words.text()


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


def test_time_left_is_told_from_the_pace_of_each_kind_of_work():
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.seconds_left("a", 10, 100) is None
    now[0] = 5.0
    assert pace.seconds_left("a", 20, 100) == pytest.approx(40)
    assert pace.seconds_left("b", 1, 10) is None


def test_the_window_needs_no_torch():
    script = "import sys, gui.training.window; print({'torch', 'timm', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "set()"


def test_a_real_run_is_trained_stopped_and_resumed(make_training, recipe_file, tmp_path, qtbot, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert own_command("training")[1:] == ["-m", "training"]
    window = make_training()
    data = write_images(tmp_path / "images")
    prepare(window, recipe_file, data, tmp_path / "run", qtbot)
    window.setup.epochs.setValue(40)
    window.start_button.click()
    wait_for(qtbot, lambda: window.charts.rows)
    window.stop_button.click()
    wait_for(qtbot, ended(window))
    assert window.resume_button.isVisible(), window.banner.words.text()
    done = len(window.charts.rows)
    assert 1 <= done < 40
    assert RunFolder(tmp_path / "run").read_result().status == "stopped"
    assert window.setup.epochs.value() == 40
    window.resume_button.click()
    wait_for(qtbot, lambda: len(window.charts.rows) > done)
    assert [int(r["epoch"]) for r in window.charts.rows] == list(range(len(window.charts.rows)))


@pytest.mark.parametrize(("words", "answer"), [("Go on", "go on"), ("Stop", "stop"), ("Cancel", "cancel")])
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
    main.commands.actions["train"].trigger()
    window = main.training
    assert window.isVisible()
    main.commands.actions["train"].trigger()
    assert main.training is window
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
