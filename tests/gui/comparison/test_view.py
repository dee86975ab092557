import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QApplication, QToolTip
from task_samples import CHEST_XRAY

from core.explain import rendering
from core.uncertainty.novelty import Novelty
from gui.common import theme
from gui.comparison.display_controls import Display
from gui.comparison.model_panel import MAP_SIZE
from gui.comparison.view import ComparisonView
from gui.engine.image_pyramid import ScreenPicture
from gui.models.card_dialog import ModelCardDialog
from tests.gui.comparison_samples import LEFT, RIGHT, agreeing, disagreeing, dispose, picture


@pytest.fixture
def view(qapp):
    theme.apply(qapp, "dark")
    made = ComparisonView()
    made.resize(1000, 700)
    made.show()
    found = agreeing()
    made.set_models(CHEST_XRAY, found.teacher.bundle, found.student.bundle)
    made.show_picture(ScreenPicture(picture(np.tile(np.arange(256, dtype=np.uint8), (300, 1)))))
    yield made
    dispose(made)


def same_part(one, other):
    """Whether two views show the same part; they may be a pixel of the screen apart in size."""
    a, b = one.visible(), other.visible()
    return a.center() == b.center() and a.width() == pytest.approx(b.width(), rel=0.01)


def layer(panel):
    return panel.view._layer.image if panel.view._layer.isVisible() else None


def test_the_chart_has_the_exact_figures(view):
    view.show_comparison(agreeing(), refining=False)
    chart = view.teacher.chart
    assert [name.text() for name in chart.names] == ["COVID-19", "Non-COVID infection", "Normal"]
    assert [figure.text() for figure in chart.figures] == ["91.2 %", "6.1 %", "2.7 %"]
    assert list(chart.bars.opts["width"]) == pytest.approx([91.2, 6.1, 2.7])
    assert "Non-COVID" in chart.names[1].toolTip()
    for panel in view.panels:
        assert panel.chart._plot.getViewBox().viewRange()[0] == [0, 100]
    assert view.teacher.prediction.text() == "COVID-19  91.2 %"


def test_names_follow_the_order_of_the_model_not_of_the_task(view):
    found = agreeing().teacher
    labels = ("Normal", "stranger", "COVID-19")
    bundle = replace(found.bundle, card=found.bundle.card.model_copy(update={"classes": labels}))
    view.teacher.set_model(CHEST_XRAY, bundle)
    prediction = replace(found.prediction, class_ids=labels)
    view.teacher.show_result(replace(found, bundle=bundle, prediction=prediction), refining=False)
    assert [name.text() for name in view.teacher.chart.names] == ["Normal", "stranger", "COVID-19"]
    assert view.teacher.prediction.text() == "Normal  91.2 %"
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
    assert view.teacher.timing.text() == "310 ms forward · 312 ms in all · OpenVINO · CPU"
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
    rough = replace(LEFT, method="clustered G=32, 24 of 32", maps_scored=26, estimated_error=0.0153)
    view.show_comparison(replace(found, teacher=replace(found.teacher, heat_map=rough)), refining=True)
    assert view.teacher.method.text() == "Evidence for COVID-19: clustered G=32, 26 of 512 · est. error 1.5 %"
    assert view.teacher.progress.maximum() == 0  # under way, no telling how far


def test_a_guess_is_not_drawn_and_a_map_that_is_being_refined_looks_provisional(view):
    found = agreeing()
    for error, refining, share in ((1.0, True, None), (0.3, True, 0.7), (0.3, False, 1.0), (1.0, False, None)):
        rough = replace(LEFT, method="clustered G=32, 24 of 32", maps_scored=2, estimated_error=error)
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
    view.difference_action.trigger()  # of a map that is not known there is no difference
    assert (layer(view.student) == rendering.coloured(RIGHT.resized(MAP_SIZE, MAP_SIZE), "inferno", 0.6)).all()


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
    assert not view.teacher.prediction.isVisible()
    assert not view.teacher.chart.isVisible()
    assert "Not assessable: outside the training data. It looks like a photograph." in view.teacher.reason.text()
    assert layer(view.teacher) is None
    assert layer(view.student) is not None
    assert "COVID" not in view.agreement.text() + view.facts.text() + view.teacher.method.text()
    qtbot.mouseClick(view.teacher.reveal_button, Qt.MouseButton.LeftButton)
    assert view.teacher.prediction.isVisible()
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
    view.difference_action.trigger()
    for panel in view.panels:
        assert (layer(panel) == rendering.difference(left, right, 0.9)).all()
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


def test_both_views_move_together(view):
    view.show_comparison(agreeing(), refining=False)
    teacher, student = view.teacher.view, view.student.view
    teacher.zoom(3, QPointF(40, 60))
    assert same_part(student, teacher)
    assert teacher.visible().width() < 150
    before = teacher.visible().center()
    student.pan(QPointF(10, 5))
    assert same_part(student, teacher)
    assert teacher.visible().center().x() == pytest.approx(before.x() - 10, abs=0.5)
    teacher.drag_window(30, 10)
    assert student.window_values() == teacher.window_values() != (0.0, 255.0)
    view.preset_actions[1].trigger()
    assert student.window_values() == teacher.window_values() == (0.0, 255.0)
    teacher.point(QPointF(20.5, 30.5))
    assert student._cross.isVisible()
    assert student.words.pixel.text() == "x 20  y 30  ·  20"
    view.reset_action.trigger()
    assert student.visible().width() >= 256


def test_a_click_on_a_bar_or_a_name_asks_for_that_class(view, qtbot):
    view.show_comparison(agreeing(), refining=False)
    with qtbot.waitSignal(view.class_chosen) as asked:
        qtbot.mouseClick(view.student.chart._plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(30, 50))
    assert asked.args == [2]
    with qtbot.waitSignal(view.class_chosen) as asked:
        view.teacher.chart.names[1].click()
    assert asked.args == [1]


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
    view.zoom_action.trigger()
    kept = json.loads(json.dumps(view.settings()))
    other = ComparisonView()
    other.restore(kept)
    assert other.settings() == kept
    assert other.contour_action.isChecked() and other.zoom_action.isChecked()
    other.restore({"opacity": 7, "colour_map": "rainbow", "overlay": "yes", "tool": None, "strange": 1})
    assert other.settings() == Display().as_settings()
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
    assert view.message.isVisible()
    assert view.message.text() == "⚠ scan.dcm is not an image."
    view.show_empty()
    assert "Open an image" in view.message.text()
    view.show_busy("Opening scan.dcm")
    assert view.message.text() == "Opening scan.dcm"


def test_everything_has_a_name_and_the_themes_differ(view, qapp):
    from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QComboBox

    view.show_comparison(agreeing(), refining=False)
    for kind in (QAbstractButton, QAbstractSlider, QComboBox):
        for widget in view.findChildren(kind):
            if widget.isVisible():
                assert widget.accessibleName() or widget.text(), widget
    dark = view.teacher.chart.bars.opts["brushes"][0].name()
    theme.apply(qapp, "light")
    assert dark != view.teacher.chart.bars.opts["brushes"][0].name() == theme.colour("teacher").name()


def test_the_tabulator_goes_through_the_controls_as_they_stand(view):
    row, reached = view.controls, []
    widget = row.nextInFocusChain()
    while widget is not row:
        if row.isAncestorOf(widget) and widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
            reached.append(widget)
        widget = widget.nextInFocusChain()
    assert len(reached) == 11
    start = reached.index(min(reached, key=lambda widget: widget.x()))
    order = [widget.x() for widget in reached[start:] + reached[:start]]
    assert order == sorted(order)


@pytest.mark.qt_log_ignore("This plugin does not support raise", extend=True)  # a tip on the offscreen platform
def test_words_that_do_not_fit_end_in_dots_and_are_all_in_the_tip(view, qtbot):
    view.show_comparison(disagreeing(), refining=False)
    view.resize(720, 600)
    qtbot.waitUntil(lambda: not view.agreement.fits())
    view.agreement.setToolTip("own")
    QApplication.sendEvent(view.agreement, QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), QPoint(1, 1)))
    assert QToolTip.text() == f"{view.agreement.text()}\n\nown"
    QToolTip.hideText()
    assert view.agreement.toolTip() == "own"
    view.resize(1800, 700)
    qtbot.waitUntil(view.agreement.fits)


def test_no_probability_is_covered_where_there_is_little_height(view, qtbot):
    found = agreeing()
    prediction = replace(found.student.prediction, plausible=("COVID-19", "Normal"))
    view.show_comparison(replace(found, student=replace(found.student, prediction=prediction)), refining=True)
    for height, whole in ((700, True), (320, False), (700, True)):
        view.resize(700, height)
        qtbot.waitUntil(lambda whole=whole: view.student.timing.isVisible() is whole)
        panel = view.student
        assert panel.chart.height() >= panel.chart.minimumSizeHint().height()
        bottom = panel.chart.mapTo(view, panel.chart.rect().bottomLeft()).y()
        assert bottom < view.controls.y() + view.controls.parentWidget().y()
        if whole:
            assert panel.timing.y() >= panel.chart.y() + panel.chart.height()


def test_the_doubt_goes_under_the_answer_where_there_is_no_room_beside_it(view, qtbot):
    found = agreeing()
    prediction = replace(found.student.prediction, plausible=("COVID-19", "Normal"))
    view.show_comparison(replace(found, student=replace(found.student, prediction=prediction)), refining=False)
    for width, beside in ((1000, True), (720, False), (1000, True)):
        view.resize(width, 700)
        qtbot.waitUntil(lambda beside=beside: (view.student.doubt.x() > view.student.prediction.x()) is beside)
        qtbot.waitUntil(lambda: view.teacher.chart.y() == view.student.chart.y())
        assert view.student.doubt.fits()


def test_a_long_doubt_goes_under_the_answer_and_is_seen_whole(view, qtbot):
    found = disagreeing()
    prediction = replace(found.teacher.prediction, plausible=found.teacher.prediction.class_ids)
    view.show_comparison(replace(found, teacher=replace(found.teacher, prediction=prediction)), refining=False)
    qtbot.waitUntil(lambda: view.teacher.doubt.x() == view.teacher.prediction.x())
    assert view.teacher.doubt.fits()
    qtbot.waitUntil(lambda: view.teacher.chart.y() == view.student.chart.y())
    view.show_comparison(found, refining=False)
    qtbot.waitUntil(lambda: view.teacher.chart.y() == view.student.chart.y())
