import os
import sys
import threading

import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.common.threads import GIVEN_WAY, Background, load


def run(qtbot, job):
    parent = QObject()
    background = Background(job, parent)
    results, errors = [], []
    background.done.connect(results.append)
    background.failed.connect(errors.append)
    with qtbot.waitSignal(background.destroyed, timeout=30_000):
        background.begin()
    return results, errors


def test_the_result_or_the_error_of_a_job_comes_back(qtbot):
    assert run(qtbot, lambda: 6 * 7) == ([42], [])
    results, errors = run(qtbot, lambda: 1 // 0)
    assert results == []
    assert isinstance(errors[0], ZeroDivisionError)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads that Python can ask for")
def test_a_job_gives_way_to_the_window(qtbot):
    window = os.getpriority(os.PRIO_PROCESS, 0)
    (urgency,), _errors = run(qtbot, lambda: os.getpriority(os.PRIO_PROCESS, 0))
    assert urgency == min(window + GIVEN_WAY, 19)
    assert os.getpriority(os.PRIO_PROCESS, 0) == window


@pytest.fixture
def window(qtbot):
    shown = QWidget()
    qtbot.addWidget(shown)
    shown.show()
    return shown


@pytest.mark.parametrize("closed", [False, True])
def test_a_module_is_imported_aside_and_what_follows_runs_in_the_windows_thread_if_it_is_open(
    closed, window, qtbot, tmp_path, monkeypatch
):
    (tmp_path / "slow_to_import.py").write_text("import threading\nthread = threading.get_ident()\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    followed = []
    load("slow_to_import", lambda: followed.append(threading.get_ident()), window)
    if closed:
        window.close()
    (job,) = window.findChildren(Background)
    with qtbot.waitSignal(job.destroyed, timeout=30_000):
        pass
    assert followed == ([] if closed else [threading.get_ident()])
    assert sys.modules.pop("slow_to_import").thread != threading.get_ident()


def test_a_module_that_cannot_be_imported_is_an_error_of_the_window(window, qtbot):
    with qtbot.captureExceptions() as raised:
        load("no_such_module", lambda: None, window)
        qtbot.waitUntil(lambda: bool(raised), timeout=30_000)
    assert raised[0][0] is ModuleNotFoundError
