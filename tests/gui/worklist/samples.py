"""Results made by hand, for the worklist."""

from pathlib import Path
from types import SimpleNamespace

from core.records.review import Review
from core.tasks import get_task
from gui.common.wording import class_name
from gui.engine.result import FileResult, ModelSummary
from gui.engine.results import Noted, Result


def result(teacher, student, divergence=0.0, task="chest-xray", label=None, reading=None, uncertain=False):
    """Returns a result: each prediction is a class label and its probability, ``None`` in place of a hidden one."""
    sides = [said or (get_task(task).class_ids[0], 0.5) for said in (teacher, student)]
    hidden = [said is None for said in (teacher, student)]
    records = [
        SimpleNamespace(predicted=name, confidence=p, novel=novel)
        for (name, p), novel in zip(sides, hidden, strict=True)
    ]
    shown = [
        ModelSummary(class_name(get_task(task), name), p, uncertain, novel)
        for (name, p), novel in zip(sides, hidden, strict=True)
    ]
    record = SimpleNamespace(path="x", task=task, teacher=records[0], student=records[1])
    agree = sides[0][0] == sides[1][0]
    found = FileResult(*shown, agree, divergence, record, task, ("", ""), label)
    return Result(found, Noted(Review(reading)))


def path(name):
    return Path(f"/x/{name}.png")
