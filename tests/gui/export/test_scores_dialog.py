import pytest
from PySide6.QtWidgets import QLabel
from task_samples import CHEST_XRAY

from core.compare.agreement import Tally
from gui.export.scores_dialog import ScoresDialog, TaskScores


@pytest.mark.parametrize(("images", "warned"), [(8, True), (120, False)])
def test_scores_on_few_images_are_said_to_mean_little(qtbot, images, warned):
    tally = Tally(CHEST_XRAY)
    for label in CHEST_XRAY.class_ids[:2] * (images // 2):
        tally.add(label, label, label)
    found = TaskScores(CHEST_XRAY, images, tally.agreement, tally.kappa, tally.labelled, tally.scores(), 0)
    dialog = ScoresDialog([found])
    qtbot.addWidget(dialog)
    words = [label.text() for label in dialog.findChildren(QLabel)]
    assert ("⚠ Only 8 labelled images: too few to compare models by." in words) is warned
    assert "100.0 % (100.0 to 100.0 %)" not in words
