"""Pack the starting weights again: ``python -m training.publish.bootstrap SHARED [vgg19] [ofa595]``.

They are plain state dicts trained by a script outside this repository. What their cards say about their making is taken
from the bundles that are installed with the program; scores, temperature and gate are measured anew. Naming a network
makes only its two bundles.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from safetensors.numpy import load_file

from core.models.bundle import Bundle, read_bundle
from core.models.packing import State, unpack_state
from core.system.paths import package_weights
from core.tasks import CHEST_XRAY, LUNG_COLON, Task
from training.data.loading import open_dataset
from training.evaluation.scored_data import ScoredData
from training.publish.publish import finish
from training.runs.card_texts import CardTexts

FOLDER = {"chest-xray": "chest_xray", "lung-colon": "lung_colon"}


def main(shared: Path, networks: list[str]) -> None:
    """Write the bundles into ``assets/weights``, each with the scores measured here and now.

    Args:
        shared: the folder with the starting weights and the data.
        networks: ``vgg19``, ``ofa595`` or both; none named means both.
    """
    for task in (CHEST_XRAY, LUNG_COLON):
        stem = FOLDER[task.id]
        if "vgg19" in networks or not networks:
            state = unpack_state(load_file(shared / f"bootstrap/{stem}-vgg19_gap.int8.safetensors"))
            _pack(task, "teacher-vgg19", {key.replace("head.", "head.fc."): v for key, v in state.items()}, shared)
        if "ofa595" in networks or not networks:
            state = unpack_state(load_file(shared / f"bootstrap/{stem}-ofa595.safetensors"))
            _pack(task, "student-ofa595", state, shared)


def _pack(task: Task, name: str, state: State, shared: Path) -> Bundle:
    target = package_weights() / task.id / name
    before = read_bundle(target).card
    made = before.training.model_copy(update={"made_on": date.today()})
    data = ScoredData(open_dataset(shared / "data" / FOLDER[task.id]))
    bundle = finish(target, state, before.model_copy(update={"training": made}), data, CardTexts())
    (scores,), (old,) = bundle.card.scores, before.scores
    kept = scores.model_copy(update={"dataset": old.dataset, "caution": old.caution})
    card = bundle.card.model_copy(update={"scores": (kept,)})
    (target / "card.json").write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    print(f"{bundle.id}: {bundle.weights_bytes / 1e6:.1f} MB, accuracy {100 * scores.accuracy:.2f} %")
    return bundle


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
