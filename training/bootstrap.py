"""Make bundles of the starting weights, until the training module has its own.

``python -m training.bootstrap SHARED [vgg19] [ofa595]``; naming a network makes only its two bundles.

The starting weights are plain state dicts trained by a script outside this repository; the cards say so.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from safetensors.numpy import load_file

from core.architectures import build_network, count_macs, count_parameters
from core.bundle import Bundle, State, unpack_state
from core.card import Card, Storage, Training
from core.folders import package_weights
from core.preprocess import Preprocessing
from core.tasks import CHEST_XRAY, LUNG_COLON, Task
from training.card_texts import DATA, LICENCE, LIMITS, USE
from training.publish import finish

MADE_BY = "a baseline script outside this repository (starting weights, not yet Twinlens's own training module)"
VGG_METHOD = "from random weights, cross-entropy with label smoothing 0.05, {epochs} epochs, AdamW, weight EMA"
OFA_METHOD = "from random weights, distilled from the VGG19 teacher: 0.5 · cross-entropy + 0.5 · T² · KL, T = 4"
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
            vgg = {
                key.replace("head.", "head.fc."): value
                for key, value in unpack_state(
                    load_file(shared / f"bootstrap/{stem}-vgg19_gap.int8.safetensors")
                ).items()
            }
            epochs = 45 if task is CHEST_XRAY else 52
            _publish(task, "vgg19", vgg, "int8", VGG_METHOD.format(epochs=epochs), None, shared)
        if "ofa595" in networks or not networks:
            ofa = unpack_state(load_file(shared / f"bootstrap/{stem}-ofa595.safetensors"))
            _publish(task, "ofa595", ofa, "float16", OFA_METHOD, f"{task.id}/teacher-vgg19", shared)


def _publish(
    task: Task, network: str, state: State, storage: Storage, method: str, teacher: str | None, shared: Path
) -> Bundle:
    module = build_network(network, len(task.classes))
    card = Card(
        task=task.id,
        classes=task.class_ids,
        role="student" if teacher else "teacher",
        network=network,
        preprocessing=Preprocessing(channels="rgb" if task.colour else "grey"),
        storage=storage,
        parameters=count_parameters(module),
        macs=count_macs(module),
        training=Training(
            data=DATA[task.id],
            method=method,
            made_by=MADE_BY,
            made_on=date.today(),
            teacher=teacher,
        ),
        intended_use=USE[task.id],
        limits=LIMITS[task.id],
        licence=LICENCE,
        weights_sha256="0" * 64,
    )
    bundle = finish(package_weights() / card.id, state, card, shared / "data" / FOLDER[task.id])
    scores = bundle.card.scores[0]
    print(f"{bundle.id}: {bundle.weights_bytes / 1e6:.1f} MB, accuracy {100 * scores.accuracy:.2f} %")
    return bundle


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
