"""Observations of images that need no network: probabilities drawn around known labels."""

from pathlib import Path

import numpy as np
from task_samples import CHEST_XRAY

from core.performance.observations import UNKNOWN, Observations


def observed(images=120, seed=0, read=30, labelled=None, task=CHEST_XRAY, groups=None):
    """Images of which the first ``labelled`` have a label and the first ``read`` a reading that is mostly right."""
    random = np.random.default_rng(seed)
    classes = len(task.classes)
    label = random.integers(0, classes, images)

    def probabilities(sharpness):
        logits = random.normal(size=(images, classes)) + sharpness * np.eye(classes)[label]
        raised = np.exp(logits)
        return raised / raised.sum(axis=1, keepdims=True)

    reading = np.where(random.random(images) < 0.9, label, (label + 1) % classes)
    reading[read:] = UNKNOWN
    known = label.copy()
    known[images if labelled is None else labelled :] = UNKNOWN
    stated = {"sex": tuple("FM"[i % 2] for i in range(images))} if groups is None else groups
    paths = tuple(Path(f"/images/{i:04}.png") for i in range(images))
    return Observations(task, paths, probabilities(2.5), probabilities(1.5), known, reading, stated, withheld=2)
