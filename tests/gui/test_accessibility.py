"""Whoever works without a mouse, or without seeing the screen, finds everything."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QWidget

from core.images.demo import demonstration_radiograph
from gui.commands.palette import CommandSearch
from gui.commands.sheet import ShortcutSheet
from gui.common import theme
from gui.common.about import AboutDialog
from gui.common.notifications import ErrorDialog
from gui.history.view import HistoryView
from gui.models.card_dialog import ModelCardDialog
from gui.settings.dialog import SettingsDialog
from gui.training.window import TrainingWindow
from gui.window.main_window import FIRST_SIZE, SMALLEST
from tests.gui.comparison_samples import dispose

PATIENCE = 25_000


def unnamed(window):
    """Return the widgets of a window that can have the keyboard and have no name, as Qt tells it to a screen reader."""
    found = []
    for widget in (window, *window.findChildren(QWidget)):
        if widget.window() is not window or widget.focusPolicy() == Qt.FocusPolicy.NoFocus:
            continue
        if widget.focusProxy() is None and not QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name):
            found.append(f"{type(widget).__name__} in {type(widget.parent()).__name__}")
    return found


def test_everything_in_the_window_has_a_name(analysed, make_window):
    assert unnamed(analysed) == []
    assert unnamed(make_window()) == []


def test_everything_in_the_dialogs_has_a_name(analysed, qtbot):
    window = analysed
    for made in (
        SettingsDialog(window.preferences, window),
        AboutDialog(window),
        ShortcutSheet(window.commands.table, window),
        CommandSearch(window.commands.actions.values(), window),
        ErrorDialog(ValueError("x"), window),
        ModelCardDialog(window.controller.bundles["teacher"], window),
        HistoryView(window.recorder, window),
    ):
        assert unnamed(made) == [], made.windowTitle()
        made.done(0)
    for command in ("report", "export"):
        window.commands.actions[command].trigger()
        dialog = window.reporter.dialog
        assert unnamed(dialog) == [], command
        dialog.done(0)
        qtbot.waitUntil(lambda: window.reporter.dialog is None, timeout=PATIENCE)


def test_everything_in_the_training_window_has_a_name(own_data, qtbot):
    from gui.settings.preferences import store

    window = TrainingWindow(store())
    try:
        assert unnamed(window) == []
    finally:
        window.let_go()
        window.close()
        dispose(window)


def tabbed(window, qtbot):
    """Return the widgets that the tabulator goes through, from the list on, by pressing it."""
    window.list.list.setFocus()
    order = []
    while (now := QApplication.focusWidget()) not in order:
        order.append(now)
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    return order


def test_the_tabulator_follows_the_eye(analysed, qtbot):
    window = analysed
    qtbot.waitActive(window)
    window.comparison.panel.choices.click()
    window.commands.actions["wide_worklist"].trigger()
    order = tabbed(window, qtbot)
    chooser, view = window.chooser, window.comparison
    expected = [
        window.list.list,
        view.teacher.card_button,
        view.teacher.view,
        view.student.card_button,
        view.student.view,
        view.table,
        view.controls.colour_maps,
        view.controls.opacity,
        view.controls.threshold,
        view.panel.choices,
        chooser.task_box,
        chooser.teacher_box,
        chooser.student_box,
        chooser.cam_box,
        chooser.class_box,
        *view.review.buttons.values(),
        view.review.note,
        window.list.search,
        window.list.show_box,
        window.list.order_box,
        window.list.bar.group_box,
        window.list.bar.more,
    ]
    assert [widget for widget in order if widget in expected] == expected

    before = [type(widget).__name__ for widget in order]
    with qtbot.waitSignal(window.controller.settled, timeout=PATIENCE):
        window.controller.bundles = {}  # as if other models had been chosen, with classes of their own
        window.controller.show(demonstration_radiograph())
    qtbot.waitUntil(lambda: "–" not in view.table.figures("student"))
    assert [type(widget).__name__ for widget in tabbed(window, qtbot)] == before


def test_no_button_is_cut_in_the_smallest_window(analysed, qtbot):
    window = analysed
    parts = (window.tools.place.parentWidget(), window.comparison.controls, window.comparison.review)

    def cut():
        seen = [(part, w) for part in parts for w in part.findChildren(QWidget) if w.isVisible()]
        return [w.accessibleName() for _part, w in seen if w.width() < w.minimumSizeHint().width()] + [
            w.accessibleName()
            for part, w in seen
            if w.parentWidget() is part and not part.rect().contains(w.geometry())
        ]

    for look in theme.PALETTES:
        theme.apply(QApplication.instance(), look)
        for size in (SMALLEST, FIRST_SIZE, SMALLEST):
            window.resize(size)
            qtbot.waitUntil(lambda size=size: window.size() == size and cut() == [])


def test_a_screen_reader_reads_with_each_image_what_was_found_in_it(analysed):
    for panel in analysed.comparison.panels:
        interface = QAccessible.queryAccessibleInterface(panel.view)
        assert interface.text(QAccessible.Text.Name)
        words = interface.text(QAccessible.Text.Description)
        assert words.startswith(panel.prediction.text())
        assert "%" in words
        assert panel.method.text() in words
    analysed.controller.show_nothing()
    assert all("%" not in panel.view.accessibleDescription() for panel in analysed.comparison.panels)


def test_the_findings_are_a_table_to_a_screen_reader(analysed):
    table = analysed.comparison.table
    interface = QAccessible.queryAccessibleInterface(table)
    assert interface.role() == QAccessible.Role.Table
    model = table.model()
    words = model.data(model.index(0, 1), Qt.ItemDataRole.AccessibleDescriptionRole)
    assert words.startswith(f"Teacher: {table.figures('teacher')[0]}")
    columns = range(model.columnCount())
    assert [model.headerData(i, Qt.Orientation.Horizontal) for i in columns] == ["Finding", "Teacher", "Student"]
