import shutil

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QMessageBox, QWidget

from core.models.catalogue import import_bundle, read_catalogue
from core.models.origin import ORIGIN_FILE
from core.system.paths import user_weights
from gui.common.notifications import Banner, Notifications
from gui.models.card_dialog import ModelCardDialog
from gui.models.compare_dialog import CardComparisonDialog
from gui.models.importer import ModelImport
from gui.models.manager import ModelManager
from gui.models.model_table import SORT_ROLE

STUDENT = "chest-xray/student-ofa595"


@pytest.fixture
def manager(qtbot, own_data, tmp_path):
    """The window, with an imported student beside the shipped models."""
    folder = tmp_path / "theirs"
    shutil.copytree(read_catalogue().bundles[STUDENT].directory, folder)
    import_bundle(folder, lambda _bundle: None, "theirs")
    parent = QWidget()
    qtbot.addWidget(parent)
    banner = Banner()
    qtbot.addWidget(banner)
    made = ModelManager(ModelImport(parent, banner, Notifications(banner, parent)), parent)
    made.show()
    return made


def cells(manager):
    """The text of each row on screen by column."""
    model = manager.view.model()
    heads = [model.headerData(i, Qt.Orientation.Horizontal) for i in range(model.columnCount())]
    return [{head: model.index(row, i).data() for i, head in enumerate(heads)} for row in range(model.rowCount())]


def usable(manager):
    return {name for name, action in manager.actions_by_name.items() if action.isEnabled()}


def test_each_model_is_listed_with_its_scores_size_and_origin(manager):
    catalogue = read_catalogue()
    rows = cells(manager)
    assert len(rows) == len(catalogue.bundles)
    theirs = next(row for row in rows if row["Model"] == "OFA-595 (theirs)")
    bundle = catalogue.bundles[f"{STUDENT}+theirs"]
    scores = bundle.card.scores[0]
    size = sum((bundle.directory / name).stat().st_size for name in bundle.files)
    assert theirs == {
        "Model": "OFA-595 (theirs)",
        "Task": bundle.card.described_task.name,
        "Role": "student",
        "Accuracy": f"{100 * scores.accuracy:.1f} %",
        "Macro F1": f"{100 * scores.macro_f1:.1f} %",
        "AUROC": f"{scores.auroc:.3f}",
        "ECE": f"{100 * scores.ece:.1f} %",
        "Size": f"{size / 1e6:.1f} MB",
        "Origin": "imported",
        "Made on": bundle.card.training.made_on.isoformat(),
    }
    assert {row["Origin"] for row in rows if row is not theirs} == {"shipped"}
    run = catalogue.bundles["chest-xray/teacher-timm-tf_efficientnet_lite0"].directory
    published = import_bundle(run, lambda _bundle: None, "mine")
    (published.directory / ORIGIN_FILE).unlink()
    manager.refresh()
    assert "trained here" in {row["Origin"] for row in cells(manager)}


def test_columns_sort_by_figures_not_by_their_text(manager):
    sizes = [line.size for line in manager.table.lines]
    manager.view.sortByColumn(7, Qt.SortOrder.DescendingOrder)
    model = manager.view.model()
    assert [model.index(row, 7).data(SORT_ROLE) for row in range(model.rowCount())] == sorted(sizes, reverse=True)


def test_what_can_be_done_depends_on_what_is_selected(manager):
    assert usable(manager) == {"import"}
    manager.choose(STUDENT)
    assert usable(manager) == {"import", "card", "export"}
    assert "came with Twinlens" in manager.words.text()
    manager.choose(f"{STUDENT}+theirs")
    assert usable(manager) == {"import", "card", "export", "label", "remove"}
    manager.choose(STUDENT, f"{STUDENT}+theirs")
    assert usable(manager) == {"import", "compare"}


def test_a_model_is_removed_once_that_is_confirmed(manager, monkeypatch, qtbot):
    manager.choose(f"{STUDENT}+theirs")
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    manager.actions_by_name["remove"].trigger()
    assert (user_weights() / f"{STUDENT}+theirs").is_dir()
    with qtbot.waitSignal(manager.changed):
        manager.actions_by_name["remove"].trigger()
    assert not (user_weights() / f"{STUDENT}+theirs").exists()
    assert "OFA-595 (theirs)" not in [row["Model"] for row in cells(manager)]


def test_a_model_gets_another_label_and_a_bad_one_is_explained(manager, monkeypatch):
    manager.choose(f"{STUDENT}+theirs")
    labels = iter([("no/name", True), ("ours", True)])
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: next(labels))
    manager.actions_by_name["label"].trigger()
    assert "can't be labelled" in manager.words.text()
    manager.actions_by_name["label"].trigger()
    assert [line.bundle.id for line in manager.chosen] == [f"{STUDENT}+ours"]


def test_the_card_and_the_export_are_of_the_selected_model(manager, qtbot):
    manager.choose(f"{STUDENT}+theirs")
    with qtbot.waitSignal(manager.export_wanted) as wanted:
        manager.actions_by_name["export"].trigger()
    assert wanted.args == [f"{STUDENT}+theirs"]
    manager.actions_by_name["card"].trigger()
    assert manager.findChild(ModelCardDialog).windowTitle() == "Model card: OFA-595 (theirs)"


def test_two_cards_are_compared_with_differences_marked(manager):
    teacher = "chest-xray/teacher-vgg19"
    manager.choose(STUDENT, teacher)
    manager.actions_by_name["compare"].trigger()
    dialog = manager.findChild(CardComparisonDialog)
    first, second = (line.bundle for line in manager.chosen)
    rows = dialog.table.texts()
    assert rows[0][2:] == [first.name, second.name]
    model = next(row for row in rows if row[0] == "Model")
    assert model[1] == "≠"
    assert [text.partition(",")[0] for text in model[2:]] == [first.id, second.id]
    task = next(row for row in rows if row[0] == "Output")
    assert task[1] == ""
    assert task[2] == task[3]
    dialog.only.setChecked(True)
    kept = dialog.table.texts()
    assert "Output" not in [row[0] for row in kept]
    assert all(len(row) == 1 or row[1] == "≠" for row in kept[1:])


def test_a_damaged_model_is_named_below_the_table(manager):
    folder = user_weights() / "chest-xray" / "student-broken"
    folder.mkdir()
    (folder / "card.json").write_text("{", encoding="utf-8")
    manager.refresh()
    assert str(folder) in manager.broken.text()
    assert manager.broken.isVisible()
