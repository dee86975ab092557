import pytest
from PySide6.QtCore import Qt
from task_samples import CHEST_XRAY, LUNG_COLON
from tiny_training import tiny_recipe

from gui.training.label_mapping import LabelMapping
from gui.training.plan import Plan
from training.recipe import to_toml

PATIENCE = 60_000  # milliseconds
LABELS = {"COVID": 3616, "Lung_Opacity": 6012, "NORMAL": 10192}


def choose(mapping, label, choice):
    mapping._boxes[label].setCurrentIndex(mapping._boxes[label].findData(choice))


def test_labels_spelt_alike_are_chosen_and_the_others_must_be(qtbot):
    mapping = LabelMapping()
    qtbot.addWidget(mapping)
    mapping.show_labels(dict.fromkeys(CHEST_XRAY.class_ids, 5), CHEST_XRAY)
    assert mapping.isHidden()
    mapping.show_labels(LABELS, CHEST_XRAY)
    assert not mapping.isHidden()
    assert [box.currentData() for box in mapping._boxes.values()] == ["COVID-19", "?", "Normal"]
    assert not mapping.apply_button.isEnabled()
    choose(mapping, "Lung_Opacity", "")
    with qtbot.waitSignal(mapping.applied):
        qtbot.mouseClick(mapping.apply_button, Qt.MouseButton.LeftButton)
    assert mapping.label_map == {"COVID": "COVID-19", "Lung_Opacity": "", "NORMAL": "Normal"}
    assert not mapping.apply_button.isEnabled(), "nothing has changed since"
    mapping.offer(LUNG_COLON)
    assert [box.currentData() for box in mapping._boxes.values()] == ["?", "", "?"]
    mapping.forget()
    assert mapping.isHidden()
    assert mapping.label_map == {}


def test_the_plan_hands_the_map_to_the_recipe(tmp_path):
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(to_toml(tiny_recipe()))
    labels = {"COVID": "COVID-19", "Viral Pneumonia": "Non-COVID", 'a "b" = c.d': ""}
    plan = Plan(str(recipe), tmp_path, tmp_path / "run", label_map=labels)
    assert plan.resolved().label_map == labels
    assert not any("label_map" in word for word in Plan(str(recipe), tmp_path, tmp_path / "run").command())


@pytest.fixture
def window(make_training, fake):
    return make_training()


def test_a_data_set_with_other_labels_is_checked_again_with_the_map_and_trained_with_it(window, tmp_path, qtbot):
    data = tmp_path / "radiography"
    data.mkdir()
    window.setup.set_data(data)
    labels = window.setup.labels
    qtbot.waitUntil(labels.isVisible, timeout=PATIENCE)
    assert "617" in labels._rows.itemAtPosition(1, 0).widget().text()
    choose(labels, "Lung_Opacity", "Non-COVID")
    qtbot.mouseClick(labels.apply_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "Non-COVID" in window.findings.toPlainText(), timeout=PATIENCE)
    assert window.setup.plan.resolved().label_map == {"COVID": "COVID-19", "Lung_Opacity": "Non-COVID"}
    other = tmp_path / "other"
    other.mkdir()
    window.setup.set_data(other)
    qtbot.waitUntil(lambda: "other" in window.findings.toPlainText(), timeout=PATIENCE)
    assert not labels.isVisible()
    assert window.setup.plan.label_map == {}
