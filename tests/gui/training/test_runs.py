import json
import subprocess
import sys

import pytest
from PySide6.QtGui import QGuiApplication
from tiny_training import single_threaded, tiny_recipe, write_images

from core.system.subprocesses import own_command
from gui.training import process
from gui.training.process import LESS_URGENT, TrainingRun, running_in
from gui.training.progress import Pace
from gui.training.questions import Leaving
from tests.gui.training.driving import PATIENCE, ended, prepare, wait_for
from training.loop.events import Working
from training.recipe import to_toml
from training.runs.folder import RunFolder
from training.runs.lock import owned, read_owner


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
    assert "30 test images: accuracy 90.0 % (80.0 to 95.0 %)" in window.progress.details.text()
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
    wait_for(qtbot, lambda: '"EpochDone"' in prepared.log.toPlainText())
    assert prepared.log.toPlainText().count('"EpochDone"') == 1, "the log is followed, not read twice"
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
    assert prepared.progress.title.text() == "Stopping…"
    prepared.progress.tell(Working("Validating on 30 images"))
    assert "a checkpoint is written" in prepared.progress.details.text(), "no late event covers that it stops"
    wait_for(qtbot, ended(prepared))
    assert "Can be resumed" in prepared.progress.title.text()
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


def test_a_run_goes_on_without_the_window_and_is_found_again(prepared, make_training, fake, monkeypatch, qtbot):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    folder = prepared.setup.plan.out
    monkeypatch.setattr(prepared, "ask", lambda: "go on")
    assert prepared.let_go() is Leaving.RUN_LEFT
    assert running_in(folder) is not None

    again = make_training()  # finds the run that was left to itself
    assert again.setup.plan.out == folder
    wait_for(qtbot, lambda: len(again.charts.rows) == 1)
    assert again.running
    again.stop_button.click()
    wait_for(qtbot, ended(again))
    assert "Can be resumed" in again.progress.title.text()
    assert running_in(folder) is None


def test_two_processes_never_work_in_one_folder(prepared, fake, qtbot):
    fake("hang")
    prepared.start_button.click()
    wait_for(qtbot, lambda: prepared.charts.rows)
    with pytest.raises(Exception, match="under way already"):
        TrainingRun(prepared.setup.plan.out, prepared).start("teacher")


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
    assert "Can be resumed" in window.progress.title.text()
    assert out.read_result().status == "stopped"


def test_a_run_that_is_still_being_prepared_is_said(make_training, tmp_path):
    with owned(RunFolder(tmp_path / "run")):
        window = make_training()
        window.open_run(tmp_path / "run")
    assert "still being prepared" in window.banner.words.text()


def test_a_real_run_is_trained_stopped_and_resumed(make_training, recipe_file, tmp_path, qtbot, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert own_command("training")[1:] == ["-m", "training"]
    window = make_training()
    data = write_images(tmp_path / "images")
    prepare(window, recipe_file, data, tmp_path / "run", qtbot)
    window.setup.epochs.setValue(40)
    window.start_button.click()
    wait_for(qtbot, lambda: window.charts.rows)
    assert read_owner(RunFolder(tmp_path / "run")).process().nice() >= LESS_URGENT, "the window goes on being used"
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


def test_a_folder_without_a_run_is_said(make_training, fake, tmp_path):
    window = make_training()
    window.open_run(tmp_path)
    assert "No run lies here" in window.banner.words.text()


def test_time_left_is_told_from_the_pace_of_each_kind_of_work():
    now = [0.0]
    pace = Pace(lambda: now[0])
    assert pace.seconds_left("a", 10, 100) is None
    now[0] = 5.0
    assert pace.seconds_left("a", 20, 100) == pytest.approx(40)
    assert pace.seconds_left("b", 1, 10) is None
