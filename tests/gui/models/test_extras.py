"""What can be chosen where an extra is not installed."""

import sys

from PySide6.QtCore import Qt

from core.compare.session import Choice
from core.explain.reference_cams import METHODS
from core.models.catalogue import read_catalogue
from gui.common.input_boxes import ComboBox
from gui.models.chooser import ModelChooser
from gui.settings.dialog import SettingsDialog
from gui.settings.preferences import Preferences


def greyed(box):
    """Return the identifiers of a box's rows that can't be chosen, with their tooltips."""
    rows = [i for i in range(box.count()) if not box.model().item(i).isEnabled()]
    return {box.itemData(i): box.itemData(i, Qt.ItemDataRole.ToolTipRole) for i in rows}


def test_heat_maps_of_other_methods_are_grey_and_say_how_to_add_them(qtbot, monkeypatch):
    chooser = ModelChooser(Choice(), read_catalogue())
    qtbot.addWidget(chooser)
    assert greyed(chooser.cam_box) == {}
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    chooser.set_choice(Choice())
    others = greyed(chooser.cam_box)
    assert others.keys() == METHODS.keys() - {"Score-CAM"}
    assert all(f"{name} needs packages that are not installed" in tip for name, tip in others.items())
    assert all("[cams]" in tip for tip in others.values())


def test_runtimes_that_are_not_installed_are_grey_and_say_how_to_add_them(qtbot, own_data, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    dialog = SettingsDialog(Preferences())
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.storage.measured, timeout=60_000):
        pass
    (box,) = (box for box in dialog.findChildren(ComboBox) if box.findData("torch") >= 0)
    assert greyed(box).keys() == {"torch"}
    assert "[gpu]" in greyed(box)["torch"]
