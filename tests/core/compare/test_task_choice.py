"""Which task an image belongs to, by its colour and the scores that the gates give it."""

from pathlib import Path

import numpy as np
import pytest
from dataset_samples import original_tile, radiograph, save

from core.compare.task_choice import task_of_image
from core.errors import BundleError
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.models.catalogue import Catalogue
from core.tasks import TASKS, Task
from tests.core.models.test_bundle import make_card


class Gate:
    def __init__(self, score):
        self.score = score

    def scores(self, thumbnails):
        return np.full(len(thumbnails), self.score)


@pytest.fixture
def images(tmp_path):
    grey = read_image(save(tmp_path / "grey.png", radiograph(1)))
    return {"grey": grey, "coloured": read_image(save(tmp_path / "colour.png", original_tile(1, 96)))}


def chosen(image, gates, *, without=()):
    """The task that is chosen among g1, g2 (grey) and c1, c2 (coloured) with these scores; None is no gate."""
    tasks = {}
    for name in gates:
        classes = [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]
        tasks[name] = Task.model_validate({"id": name, "name": name, "colour": name[0] == "c", "classes": classes})
    bundles = {}
    for task in tasks.values():
        for role in ("teacher", "student"):
            card = make_card(task=task.id, classes=("a", "b"), role=role, definition=task)
            if card.id not in without:
                bundles[card.id] = Bundle(Path(card.id), card)

    def gate_of(bundle):
        score = gates[bundle.card.task]
        if score == "damaged":
            raise BundleError("The novelty statistics have changed.")
        return None if score is None else Gate(score)

    TASKS.set_brought(tasks)
    try:
        return task_of_image(image, Catalogue(bundles, ()), gate_of).id
    finally:
        TASKS.set_brought({})


@pytest.mark.parametrize(
    ("kind", "gates", "expected"),
    [
        ("grey", {"g1": 9.0, "c1": 0.1}, "g1"),  # one of each: the colour alone
        ("coloured", {"g1": 0.1, "c1": 9.0}, "c1"),
        ("coloured", {"g1": 0.1}, "g1"),
        ("grey", {"g1": 2.0, "g2": 0.7, "c1": 0.1}, "g2"),
        ("grey", {"g1": 0.6, "g2": 0.7, "c1": 0.1}, "g1"),
        ("coloured", {"g1": 0.1, "g2": 0.1, "c1": 0.9}, "c1"),
        ("grey", {"g1": 3.0, "g2": 4.0, "c1": 0.9}, "c1"),  # known by a task of another colour only
        ("grey", {"g1": 3.0, "g2": 4.0, "c1": 1.1}, "g1"),  # known by none
        ("grey", {"g1": None, "g2": 4.0, "c1": None}, "g2"),
        ("grey", {"g1": "damaged", "g2": 4.0}, "g2"),
        ("grey", {"g1": None, "g2": None}, "g1"),
    ],
)
def test_colour_decides_then_the_gates(kind, gates, expected, images):
    assert chosen(images[kind], gates) == expected


def test_only_tasks_with_both_models_come_into_question(images):
    gates = {"g1": 0.9, "g2": 0.1, "g3": 0.5}
    assert chosen(images["grey"], gates, without={"g2/student-ofa595"}) == "g3"
    assert chosen(None, gates) == "g1"


def test_without_models_the_first_task_stands_for_any(images):
    assert chosen(images["grey"], {}) == "chest-xray"
