from dataclasses import replace
from datetime import date

import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QPushButton

from core.models.catalogue import read_catalogue
from core.models.map_quality import MapFigure, MapQuality, MethodQuality
from gui.common import theme
from gui.models.card_dialog import ModelCardDialog
from gui.models.map_quality_dialog import HEAD, ROW, MapQualityDialog, place
from tests.gui.comparison_samples import dispose

QUALITY = MapQuality(
    dataset="made-up films", images=12, machine="A machine.", measured_by="a test", measured_on=date(2026, 1, 1),
    methods=(
        MethodQuality(method="fast", seconds_per_map=0.5, figures=(
            MapFigure(measure="complexity", value=9.5, low=9, high=10, images=12),
            MapFigure(measure="road", value=0.21, low=0.13, high=0.3, images=12),
            MapFigure(measure="deletion", value=0.75, low=0.6, high=0.9, images=12),
        )),
    ),
)  # fmt: skip


@pytest.fixture
def bundle():
    found = read_catalogue().bundles["chest-xray/student-ofa595"]
    return replace(found, card=found.card.model_copy(update={"map_quality": QUALITY}))


def heat_maps(dialog):
    buttons = dialog.findChild(QDialogButtonBox).findChildren(QPushButton)
    return [button for button in buttons if button.text() == "&Heat maps…"]


def test_the_card_shows_the_measures_and_a_button_opens_their_diagram(qapp, bundle):
    theme.apply(qapp, "dark")
    dialog = ModelCardDialog(bundle)
    try:
        text = dialog.text.toPlainText()
        assert "Quality of heat maps" in text
        assert "0.750 (0.600 to 0.900)" in text
        (button,) = heat_maps(dialog)
        button.click()
        shown = dialog.findChild(MapQualityDialog)
        described = [label.accessibleDescription() for label in shown.findChildren(QLabel)]
        assert (
            "Score-CAM, fast, Deletion AUC: 0.750 (0.600 to 0.900); Score-CAM, fast, ROAD: 0.210 (0.130 to 0.300)"
            in described
        )
        ratio = shown.picture.devicePixelRatio()
        for row, value in ((1, 0.75), (2, 0.21)):  # below the method's name, in the order of the measures
            y = HEAD + row * ROW + ROW / 2
            assert QColor(shown.picture.pixel(round(place(value) * ratio), round(y * ratio))) == theme.colour("student")
        assert shown.picture.height() == round((HEAD + 3 * ROW) * ratio), "an entropy has no place on the axis"
    finally:
        dispose(dialog)


def test_a_card_without_measured_maps_has_no_such_button(qapp, bundle):
    theme.apply(qapp, "dark")
    dialog = ModelCardDialog(replace(bundle, card=bundle.card.model_copy(update={"map_quality": None})))
    try:
        assert heat_maps(dialog) == []
        assert "Quality of heat maps" not in dialog.text.toPlainText()
    finally:
        dispose(dialog)
