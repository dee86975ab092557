"""The examples of a run in the training window."""

import numpy as np
import pytest
from PIL import Image

from core.tasks import TASKS
from gui.training.examples import ExamplesView
from training.runs.examples import FILE, Example, Examples
from training.runs.folder import RunFolder


def example(number, predicted, heat_map=((0.0, 0.0), (0.0, 1.0))):
    return Example(picture=f"{number}.png", label="Normal", predicted=predicted, probability=0.625, heat_map=heat_map)


@pytest.fixture
def folder(tmp_path):
    """A run with three examples, one of them wrong, one without a heat map and one without a picture."""
    run = RunFolder(tmp_path)
    run.examples.mkdir()
    for number in range(2):
        Image.fromarray(np.full((64, 64), 128, np.uint8)).save(run.examples / f"{number}.png")
    found = (example(0, "COVID-19"), example(1, "Normal", ()), example(2, "Normal"))
    run.write_record(run.examples / FILE, Examples(epoch=4, examples=found))
    return run


@pytest.fixture
def view(qtbot):
    made = ExamplesView()
    qtbot.addWidget(made)
    made.resize(800, 600)
    made.show()
    return made


def corners(card):
    """The lower right and upper left of a picture, in RGB."""
    picture = card.picture.pixmap().toImage()
    return [picture.pixelColor(i, i).getRgb()[:3] for i in (picture.width() - 5, 5)]


def test_each_image_has_label_prediction_and_heat_map(view, folder):
    view.show_run(folder.path, TASKS["chest-xray"])
    assert view.words.text() == "After epoch 5: 2 of 3 right"
    wrong, right, lost = view.cards
    assert wrong.predicted.text() == "✕ COVID-19 62 %"
    assert wrong.label.text() == "Label: Normal"
    assert right.predicted.text() == "✓ Normal 62 %"
    assert "wrong" in wrong.accessibleName()
    assert "right" in right.accessibleName()
    hot, cold = corners(wrong)
    assert hot != cold == (128, 128, 128)
    assert corners(right) == [(128, 128, 128)] * 2
    assert "can't be read" in lost.picture.text()
    view.maps.setChecked(False)
    assert corners(wrong) == [(128, 128, 128)] * 2


def test_another_run_without_examples_shows_none(view, folder, tmp_path):
    view.show_run(folder.path, None)
    assert len(view.cards) == 3
    view.show_run(tmp_path / "other", None)
    assert view.cards == []
    assert "after the first epoch" in view.words.text()
