"""What a program must know to use a deployed model: it stands in the file itself, and beside it as JSON."""

from __future__ import annotations

import json
from typing import Any

from core import NOTICE, __version__
from core.deploy.format import INPUT, LOGITS, ModelFormat, Precision
from core.models.bundle import Bundle


def model_facts(bundle: Bundle, made: ModelFormat, precision: Precision, temperature: float) -> dict[str, Any]:
    """Return the facts: which model it is, how an image becomes its input, and its output probabilities.

    Args:
        bundle: the model.
        made: the format of the file.
        precision: of the file.
        temperature: what its logits are divided by before the softmax; 1 where the file does it itself.
    """
    card, how = bundle.card, bundle.card.preprocessing
    return {
        "model": bundle.id,
        "name": bundle.name,
        "task": card.task,
        "classes": list(card.classes),
        "input": {
            "name": INPUT,
            "shape": [1, 3, how.height, how.width],
            "colour": how.channels,
            "resize": how.resize,
            "mean": list(how.mean),
            "std": list(how.std),
        },
        "output": LOGITS,
        "temperature": temperature,
        "precision": precision,
        "format": made.id,
        "weights_sha256": card.weights_sha256,
        "licence": card.licence,
        "made_by": f"Twinlens {__version__}",
        "notice": NOTICE,
    }


def as_json(facts: dict[str, Any]) -> str:
    """Return facts as JSON in lines that a person can read."""
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
