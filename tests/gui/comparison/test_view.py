import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QFontMetrics, QHelpEvent
from PySide6.QtWidgets import QApplication, QLabel, QToolTip
from task_samples import CHEST_XRAY, LUNG_COLON

from core.compare.comparison import Comparison
from core.explain import rendering
from core.models.catalogue import read_catalogue
from core.uncertainty.novelty import Novelty
from gui.common import theme
from gui.comparison.display_controls import COLOURED, Display
from gui.comparison.model_panel import MAP_SIZE
from gui.comparison.view import ComparisonView
from gui.engine.image_pyramid import ScreenPicture
from gui.models.card_dialog import ModelCardDialog
from tests.gui.comparison_samples import LEFT, RIGHT, agreeing, disagreeing, dispose, layer, picture


def test_the_table_has_the_exact_figures_of_both(view):
    view.show_comparison(agreeing(), refining=False)
    table = view.table
    assert table.names() == ["COVID-19", "Non-COVID infection", "Normal"]
    assert table.figures("teacher") == ["91.2 %", "6.1 %", "2.7 %"]
    assert table.figures("student") == ["88.7 %", "8.9 %", "2.4 %"]
    assert "Non-COVID" in table.item(1, 0).toolTip()
    assert view.teacher.prediction.text() == "COVID-19  91 %"
    assert "91.2 %" in view.teacher.prediction.toolTip()


def test_long_names_of_classes_are_read_in_full(view):
    view.set_models(LUNG_COLON, None, None)
    table = view.table
    metrics = QFontMetrics(theme.font(theme.SMALL))
    for row, name in enumerate(table.names()):
        width = table.columnWidth(0) - 4
        assert all(metrics.horizontalAdvance(word) <= width for word in name.split())
        needed = metrics.boundingRect(QRect(0, 0, width, 999), int(Qt.TextFlag.TextWordWrap), name).height()
        assert table.rowHeight(row) >= needed
    assert table.viewport().height() >= sum(map(table.rowHeight, range(table.rowCount())))


def test_the_ring_is_of_the_heat_map_on_screen(view):
    other = replace(RIGHT, class_index=2)
    found = agreeing()
    for student, rings in ((found.student, [0, 0]), (replace(found.student, heat_map=other), [0, 2]),
                           (replace(found.student, heat_map=None), [0])):  # fmt: skip
        view.show_comparison(replace(found, student=student), refining=False)
        cells = [view.table.cells(role) for role in ("teacher", "student")]
        assert [row for column in cells for row, cell in enumerate(column) if cell.explained] == rings
    view.show_comparison(replace(found, student=replace(found.student, heat_map=other)), refining=False)
    assert view.student.method.text().startswith("Evidence for Normal")
    assert "overlap" not in view.facts.text()
    view.layouts.actions["difference"].trigger()
    assert layer(view.teacher) is None
    assert view.teacher.method.text() == "No difference: the heat maps are for different classes"
    view.layouts.actions["side"].trigger()
    assert view.teacher.method.text().startswith("Evidence for COVID-19")
    view.clear_predictions()
    assert set(view.table.figures("teacher")) == {"–"}
    assert view.table.selectedItems() == []


def test_plausible_classes_and_calibration_are_marked(view):
    found = agreeing()
    prediction = replace(found.student.prediction, plausible=("COVID-19", "Normal"))
    view.show_comparison(replace(found, student=replace(found.student, prediction=prediction)), refining=False)
    cells = view.table.cells("student")
    assert [cell.plausible for cell in cells] == [True, False, True]
    card = found.student.bundle.card
    assert {cell.floor for cell in cells} == {card.conformal.floor}
    point = min(card.scores[0].reliability, key=lambda one: abs(one.confidence - 0.887))
    band = cells[0].band
    assert (band.right.value, band.images) == (pytest.approx(point.accuracy, abs=0.5 / point.images), point.images)
    assert band.right.low < point.accuracy < band.right.high
    assert band.words in view.table.item(0, 2).toolTip()
    assert cells[1].band is None  # the diagram is of the most probable class


def test_names_follow_the_order_of_the_model_not_of_the_task(view):
    found = agreeing().teacher
    labels = ("Normal", "stranger", "COVID-19")
    bundle = replace(found.bundle, card=found.bundle.card.model_copy(update={"classes": labels}))
    view.set_models(CHEST_XRAY, bundle, bundle)
    prediction = replace(found.prediction, class_ids=labels)
    result = replace(found, bundle=bundle, prediction=prediction)
    view.show_comparison(Comparison(result, result), refining=False)
    assert view.table.names() == ["Normal", "stranger", "COVID-19"]
    assert view.teacher.prediction.text() == "Normal  91 %"
    assert view.teacher.method.text().startswith("Evidence for Normal:")


def test_agreement_and_disagreement_in_words(view):
    view.show_comparison(agreeing(), refining=False)
    assert view.agreement.text() == "✓ Agree: COVID-19"
    facts = view.facts.text()
    assert facts.startswith("Almost identical (0.002 bit)")
    assert "overlap 0.00" in facts
    assert facts.endswith("student 31× faster (1 image), 2.6× smaller")
    view.show_comparison(disagreeing(), refining=True)
    assert view.agreement.text() == "≠ Disagree: teacher Non-COVID infection, student COVID-19"
    assert view.facts.text().startswith("Opposite (")
    assert "still refining" in view.facts.text()


def test_notices_on_file_and_answer_stand_at_the_image_uncut(view):
    long = "Exposure differs from the training images. " + "For the networks only. " * 9
    pages = "Only the first of the file's 2 pages is shown."
    image = replace(picture(np.full((30, 40), 99, np.uint8)), notices=(pages,))
    view.show_picture(ScreenPicture(image))
    words = [panel.view.words.notices for panel in view.panels]
    assert [label.text() for label in words] == [f"⚠ {pages}"] * 2
    found = agreeing()
    student = replace(found.student, prediction=replace(found.student.prediction, notices=(long,)))
    view.show_comparison(replace(found, student=student), refining=False)
    assert [label.text().count("⚠") for label in words] == [1, 2]
    assert words[1].isVisible()
    assert words[1].height() >= words[1].heightForWidth(words[1].width()) > 2 * words[0].height()
    assert words[1].geometry().right() < view.student.view.width()
    view.show_picture(ScreenPicture(picture(np.full((30, 40), 99, np.uint8))))
    assert not any(label.isVisible() for label in words)


def test_facts_of_model_and_prediction(view):
    view.show_comparison(agreeing(), refining=True)
    assert view.teacher.title.text() == "VGG19"
    assert view.teacher.prediction.toolTip().splitlines()[1] == "310 ms forward · 312 ms in all · OpenVINO · CPU"
    assert view.teacher.method.text() == "Evidence for COVID-19: exact, 512 of 512"
    assert view.teacher.progress.isVisible()
    view.show_comparison(agreeing(), refining=False)
    assert not view.teacher.progress.isVisible()


def test_maps_stay_until_others_come_and_the_line_says_that_they_are_under_way(view):
    view.show_comparison(agreeing(), refining=False)
    view.show_waiting()
    for panel in view.panels:
        assert panel.progress.isVisible()
        assert layer(panel) is not None
    view.show_comparison(agreeing(), refining=False)
    assert not view.teacher.progress.isVisible()


def test_an_estimated_map_says_how_far_it_may_be_off(view):
    found = agreeing()
    rough = replace(LEFT, method="clustered G=16", maps_scored=16, estimated_error=0.0153)
    view.show_comparison(replace(found, teacher=replace(found.teacher, heat_map=rough)), refining=True)
    assert view.teacher.method.text() == "Evidence for COVID-19: clustered G=16, 16 of 512 · est. error 1.5 %"
    assert view.teacher.progress.maximum() == 0  # under way, no telling how far


def test_a_guess_is_not_drawn_and_a_map_that_is_being_refined_looks_provisional(view):
    found = agreeing()
    for error, refining, share in ((1.0, True, None), (0.3, True, 0.7), (0.3, False, 1.0), (1.0, False, None)):
        rough = replace(LEFT, method="clustered G=8", maps_scored=8, estimated_error=error)
        teacher = replace(found.teacher, heat_map=rough)
        view.show_comparison(replace(found, teacher=teacher), refining=refining)
        if share is None:
            assert layer(view.teacher) is None
            assert "not precise enough" in view.teacher.method.text()
        else:
            drawn = rendering.coloured(LEFT.resized(MAP_SIZE, MAP_SIZE), "inferno", 0.6 * share)
            assert (layer(view.teacher) == drawn).all()
            assert view.teacher.method.text().endswith("est. error 30.0 %")
        assert layer(view.student) is not None
    view.layouts.actions["difference"].trigger()  # of a map that is not known there is no difference
    assert layer(view.teacher) is None


def test_the_speed_is_a_median_over_images_with_how_many(view):
    view.show_comparison(agreeing(), refining=False, speed_ratios=[20.0, 31.0, 400.0])
    assert "student 31× faster (median of 3)" in view.facts.text()
    view.show_speed([20.0, 31.0, 400.0, 33.0])
    assert "student 32× faster (median of 4)" in view.facts.text()
    view.show_speed([0.2, 0.5])
    assert "student 2.9× slower (median of 2)" in view.facts.text()


def test_a_map_that_scores_none_names_its_method_alone(view):
    found = agreeing()
    quick = replace(LEFT, method="Grad-CAM", maps_scored=1)
    view.show_comparison(replace(found, teacher=replace(found.teacher, heat_map=quick)), refining=False)
    assert view.teacher.method.text() == "Evidence for COVID-19: Grad-CAM"


def test_an_unsure_answer_names_what_remains_plausible(view):
    found = agreeing()
    prediction = replace(found.student.prediction, plausible=("COVID-19", "Normal"))
    view.show_comparison(replace(found, student=replace(found.student, prediction=prediction)), refining=False)
    assert view.student.doubt.text() == "⚠ Uncertain: Normal also possible"
    assert view.teacher.doubt.text() == ""
    sure = replace(found.student.prediction, plausible=("COVID-19",))
    view.show_comparison(replace(found, student=replace(found.student, prediction=sure)), refining=False)
    assert view.student.doubt.text() == ""


def test_an_answer_on_a_strange_image_is_hidden_until_it_is_asked_for(view, qtbot):
    found = agreeing()
    strange = replace(found.teacher.prediction, novelty=Novelty(9.0, 5.0, "It looks like a photograph."))
    view.show_comparison(replace(found, teacher=replace(found.teacher, prediction=strange)), refining=False)
    assert view.teacher.prediction.text() == "–"
    assert set(view.table.figures("teacher")) == {"hidden"}
    assert view.table.cells("teacher") == [None] * 3
    reason = "Not assessable: outside the training data. It looks like a photograph."
    assert reason in view.teacher.doubt.text()
    assert any(reason in label.text() for label in view.panel.findChildren(QLabel) if label.isVisible())
    assert layer(view.teacher) is None
    assert layer(view.student) is not None
    assert "COVID" not in view.agreement.text() + view.facts.text() + view.teacher.method.text()
    qtbot.mouseClick(view.teacher.reveal_button, Qt.MouseButton.LeftButton)
    assert view.teacher.prediction.text() == "COVID-19  91 %"
    assert view.table.figures("teacher")[0] == "91.2 %"
    assert not view.teacher.reveal_button.isVisible()
    assert view.teacher.doubt.text() == "⚠ Shown anyway: outside the training data"
    assert view.teacher.method.text().startswith("Evidence for COVID-19")
    assert layer(view.teacher) is not None
    assert view.agreement.text() == "✓ Agree: COVID-19"


def test_what_is_laid_over_is_what_core_render_makes(view):
    view.show_comparison(agreeing(), refining=False)
    left, right = LEFT.resized(MAP_SIZE, MAP_SIZE), RIGHT.resized(MAP_SIZE, MAP_SIZE)
    assert (layer(view.teacher) == rendering.coloured(left, "inferno", 0.6)).all()
    view.controls.colour_maps.setCurrentText("Cividis")
    view.controls.opacity.setValue(90)
    view.controls.threshold.setValue(50)
    assert (layer(view.student) == rendering.coloured(right, "cividis", 0.9, 0.5)).all()
    view.layouts.actions["difference"].trigger()
    assert (layer(view.teacher) == rendering.difference(left, right, 0.9)).all()
    view.overlay_action.trigger()
    assert layer(view.teacher) is None
    assert not view.teacher.view.colour_bar.isVisible()


def test_contours_are_drawn_on_request(view):
    view.show_comparison(agreeing(), refining=False)
    assert view.teacher.view._outlines.items == []
    view.contour_action.trigger()
    left = [item.path().boundingRect().center().x() for item in view.teacher.view._outlines.items]
    right = [item.path().boundingRect().center().x() for item in view.student.view._outlines.items]
    assert left and max(left) < 128 < min(right)


def test_the_map_is_hidden_while_the_key_is_held(view, qtbot):
    view.show_comparison(agreeing(), refining=False)
    view.hide_while_held.trigger()
    assert layer(view.teacher) is None
    qtbot.keyRelease(view, Qt.Key.Key_H)
    assert layer(view.teacher) is not None


def test_a_click_or_a_key_in_the_table_asks_for_that_class(view, qtbot):
    table = view.table
    asked = []
    view.class_chosen.connect(asked.append)
    at = table.visualItemRect(table.item(2, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert asked == []  # there is no prediction whose heat map could be shown
    view.show_comparison(agreeing(), refining=False)
    assert asked == []
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.keyClick(table, Qt.Key.Key_Up)
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert asked == [2, 1, 1]


def test_the_card_is_one_click_away(view, qtbot):
    with qtbot.waitSignal(view.card_requested) as asked:
        qtbot.mouseClick(view.student.card_button, Qt.MouseButton.LeftButton)
    assert asked.args == ["student"]
    bundle = agreeing().student.bundle
    dialog = ModelCardDialog(bundle)
    assert bundle.card.intended_use[:40] in dialog.text.toPlainText()
    dispose(dialog)


def test_settings_come_back_and_nonsense_does_not(view):
    view.controls.opacity.setValue(35)
    view.contour_action.trigger()
    view.tool_actions["zoom"].trigger()
    kept = json.loads(json.dumps(view.settings()))
    other = ComparisonView()
    other.restore(kept)
    assert other.settings() == kept
    assert other.contour_action.isChecked() and other.tool_actions["zoom"].isChecked()
    other.restore({"opacity": 7, "colour_map": "rainbow", "overlay": "yes", "tool": None, "strange": 1,
                   "layouts": {"chest-xray": "round"}})  # fmt: skip
    assert other.settings() == {**Display().as_settings(), "coloured": COLOURED.as_settings(), "layouts": {}}
    dispose(other)


def test_tiles_have_contours_in_place_of_colours_and_each_kind_of_image_keeps_its_own_display(view):
    bundle = read_catalogue().find("lung-colon", "teacher")
    view.controls.opacity.setValue(35)
    view.tool_actions["zoom"].trigger()
    view.set_models(LUNG_COLON, bundle, None)
    assert (view.overlay_action.isChecked(), view.contour_action.isChecked()) == (False, True)
    assert view.tool_actions["zoom"].isChecked()
    view.controls.threshold.setValue(20)
    kept = json.loads(json.dumps(view.settings()))
    view.set_models(CHEST_XRAY, None, None)
    assert (view.overlay_action.isChecked(), view.contour_action.isChecked()) == (True, False)
    assert (view.controls.opacity.value(), view.controls.threshold.value()) == (35, 0)
    other = ComparisonView()
    other.restore(kept)
    other.set_models(LUNG_COLON, bundle, None)
    assert (other.contour_action.isChecked(), other.controls.threshold.value()) == (True, 20)
    assert other.settings() == kept
    dispose(other)


def test_a_new_image_forgets_the_answers_and_keeps_the_settings(view):
    view.show_comparison(agreeing(), refining=False)
    view.controls.opacity.setValue(35)
    view.teacher.view.zoom(3, QPointF(40, 60))
    view.show_picture(ScreenPicture(picture(np.zeros((50, 50), np.uint8))))
    assert view.teacher.prediction.text() == "–"
    assert view.agreement.text() == ""
    assert layer(view.teacher) is None
    assert view.settings()["opacity"] == 0.35
    assert view.student.view.visible().contains(QPointF(25, 25))


def test_busy_failed_and_empty(view):
    view.show_busy("Reading the models")
    assert view.agreement.text() == "Reading the models"
    assert view.student.progress.isVisible()
    view.show_failure("scan.dcm is not an image.")
    assert view.empty.message.isVisible()
    assert view.empty.message.text() == "⚠ scan.dcm is not an image."
    view.show_empty()
    assert "Drop images" in view.empty.message.text()
    assert view.empty.demonstration.isVisible()
    view.show_busy("Loading VGG19.")
    assert "Drop images" in view.empty.message.text()
    assert view.empty.work.text() == "Loading VGG19."
    assert view.empty.demonstration.isVisible()
    view.show_opening("scan.dcm")
    assert view.empty.message.text() == "Opening scan.dcm"
    assert not view.empty.work.isVisible()
    assert not view.empty.demonstration.isVisible()


def test_everything_has_a_name_and_the_themes_differ(view, qapp):
    from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox

    view.show_comparison(agreeing(), refining=False)
    for kind in (QAbstractButton, QAbstractSlider, QComboBox):
        for widget in [*view.findChildren(kind), *view.panel.findChildren(kind)]:
            if widget.isVisible():
                assert widget.accessibleName() or widget.text(), widget
    table = view.table
    pictures = []
    for look in ("dark", "light"):
        theme.apply(qapp, look)
        bar = table.visualItemRect(table.item(0, 1))
        picture = table.viewport().grab(bar).toImage()
        colours = {picture.pixelColor(x, y).name() for x in range(picture.width()) for y in range(picture.height())}
        assert theme.colour("teacher").name() in colours
        pictures.append(colours)
    assert pictures[0] != pictures[1]


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)  # a tip on the offscreen platform
def test_words_that_do_not_fit_end_in_dots_and_are_all_in_the_tip(view, qtbot):
    found = disagreeing()
    prediction = replace(found.teacher.prediction, plausible=found.teacher.prediction.class_ids)
    view.show_comparison(replace(found, teacher=replace(found.teacher, prediction=prediction)), refining=False)
    doubt = view.teacher.doubt
    view.resize(720, 600)
    qtbot.waitUntil(lambda: not doubt.fits())
    doubt.setToolTip("own")
    QApplication.sendEvent(doubt, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), QPoint(1, 1)))
    assert QToolTip.text() == f"{doubt.text()}\n\nown"
    QToolTip.hideText()
    assert doubt.toolTip() == "own"
    assert any(doubt.text() in label.text() for label in view.panel.findChildren(QLabel) if label.isVisible())
    view.resize(1800, 700)
    qtbot.waitUntil(doubt.fits)
