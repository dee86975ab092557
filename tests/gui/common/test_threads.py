import os
import sys

import pytest
from PySide6.QtCore import QObject

from gui.common.threads import GIVEN_WAY, Background


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
