import pytest
from class_folders import SURFACES, write_surfaces

from core.models.catalogue import read_catalogue
from core.tasks import TASKS
from gui.settings.preferences import store
from gui.training.setup import TrainingSetup
from tests.gui.training.driving import wait_for


@pytest.fixture
def setup(qtbot, own_data):
    made = TrainingSetup(read_catalogue(), store())
    qtbot.addWidget(made)
    made.show()
    return made


def test_the_labels_of_the_data_set_become_a_task_which_is_chosen(setup, tmp_path, monkeypatch, qtbot):
    folder = write_surfaces(tmp_path / "images", {"train": 4})
    monkeypatch.setattr(setup, "ask_for_name", lambda asked: f"Surfaces of {asked.name}")
    chosen = []
    setup.data_chosen.connect(chosen.append)
    setup.data.setText(str(folder))
    setup.new_task.click()
    assert not setup.new_task.isEnabled()
    wait_for(qtbot, setup.new_task.isEnabled)
    assert not setup.problem.text()
    assert TASKS["surfaces-of-images"].class_ids == tuple(sorted(SURFACES))
    assert (setup.task.currentText(), setup.plan.task) == ("Surfaces of images", "surfaces-of-images")
    assert setup.recipe.currentText() == "own-student"
    assert chosen == [folder], "the data set is checked again"


def test_why_a_task_was_not_made_is_said(setup, tmp_path, monkeypatch, qtbot):
    asked = []
    monkeypatch.setattr(setup, "ask_for_name", lambda folder: asked.append(folder) or "")
    setup.new_task.click()
    assert "Choose the data set first" in setup.problem.text()
    folder = write_surfaces(tmp_path / "images", {"train": 2}, names=SURFACES[:1])
    setup.data.setText(str(folder))
    setup.new_task.click()
    assert asked == [folder]
    assert not setup.making_task.running, "it was cancelled"
    monkeypatch.setattr(setup, "ask_for_name", lambda _folder: "Surfaces")
    before = setup.task.currentData()
    setup.new_task.click()
    wait_for(qtbot, setup.new_task.isEnabled)
    assert "All images have one label" in setup.problem.text()
    assert setup.task.currentData() == before
