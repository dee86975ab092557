"""Made-up analyses of the history, week by week, for tests of monitoring."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np

from core.records.analysis import Analysis

MONDAY = datetime(2026, 1, 5, 9, tzinfo=UTC)
CLASSES = ("COVID-19", "Non-COVID", "Normal")


def side(random, brightness, novel):
    p = random.dirichlet([4, 1, 1])
    return {
        "probabilities": dict(zip(CLASSES, map(float, p), strict=True)),
        "novel": novel,
        "novelty": {"score": float(random.gamma(4, 0.1)), "threshold": 1.0, "reason": ""},
        "plausible": ["COVID-19"] if p[0] > 0.6 else ["COVID-19", "Normal"],
        "brightness": float(random.normal(brightness, 0.05)),
        "contrast": float(random.normal(0.2, 0.02)),
    }


def analysis(random, week, number, brightness=0.5, refusals=0.03, teacher="a" * 64, opinion=None, image=None):
    """One analysis of a week, drawn anew."""
    novel = bool(random.random() < refusals)
    teacher_side, student = side(random, brightness, novel), side(random, brightness, False)
    top = [max(found["probabilities"], key=found["probabilities"].get) for found in (teacher_side, student)]
    agreement = {"same_class": top[0] == top[1], "js_divergence": float(random.beta(1, 20))}
    when = MONDAY + timedelta(weeks=week, minutes=number)
    answers = {"teacher": teacher_side, "student": student, "agreement": agreement}
    stored = {
        "analysed_at": when.isoformat(), "image_sha256": image or random.bytes(32).hex(), "path": None,
        "task": "chest-xray", "teacher_model": "chest-xray/teacher-vgg19", "teacher_sha256": teacher,
        "teacher_predicted": top[0], "teacher_confidence": 0.8, "student_model": "chest-xray/student-ofa595",
        "student_sha256": "b" * 64, "student_predicted": top[1], "student_confidence": 0.8,
        "same_class": agreement["same_class"], "verdict": opinion, "settings": "{}", "version": "1",
        "answers": json.dumps(answers),
    }  # fmt: skip
    return Analysis.from_stored(stored)


def history(seed, weeks, images=25, drift=None):
    """Weeks of images; those that ``drift`` names are drawn with other arguments, by week."""
    random = np.random.default_rng(seed)
    drift = drift or {}
    return [analysis(random, week, n, **drift.get(week, {})) for week in range(weeks) for n in range(images)]
