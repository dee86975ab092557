"""Make bundles of the starting weights, until the training module has its own: ``python -m training.bootstrap SHARED``.

The starting weights are plain state dicts trained by a script outside this repository; the cards say so.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from safetensors.numpy import load_file

from core.architectures import build_network, count_macs, count_parameters
from core.bundle import Bundle, State, unpack_state, write_bundle
from core.card import Card, Storage, Training
from core.card import Scores as CardScores
from core.folders import package_weights
from core.preprocess import Preprocessing
from core.tasks import CHEST_XRAY, LUNG_COLON, Task
from training.evaluate import evaluate

MADE_BY = "a baseline script outside this repository (starting weights, not yet Twinlens's own training module)"
VGG_METHOD = "from random weights, cross-entropy with label smoothing 0.05, {epochs} epochs, AdamW, weight EMA"
OFA_METHOD = "from random weights, distilled from the VGG19 teacher: 0.5 · cross-entropy + 0.5 · T² · KL, T = 4"
USE = {
    "chest-xray": "Research on knowledge distillation and on heat maps over frontal chest radiographs. Not for "
    "diagnosis, triage or any decision about a patient.",
    "lung-colon": "Research on knowledge distillation and on heat maps over H&E tiles of lung and colon. Not for "
    "diagnosis or any decision about a patient.",
}
LIMITS = {
    "chest-xray": (
        "It knows three answers only and gives one of them to any image, also to one that is no chest radiograph.",
        "Source bias: on the same test images a linear model that sees only the outer border of a 32×32 thumbnail, no "
        "lung, scores 68.5 % (chance is 33 %). Part of any score may come from such shortcuts.",
        "Age bias: 82 % of the Non-COVID and 51 % of the Normal images are of small children, while all COVID-19 "
        "images are of adults as far as is known.",
        "COVID-19 stands for a clinical or PCR label; some of those films show no visible disease. NIH labels are "
        "text-mined.",
    ),
    "lung-colon": (
        "It knows five answers only and gives one of them to any image, also to one that is no such tissue.",
        "LC25000 holds 1,250 original tiles augmented about twenty times each; patients, slides and scanners are not "
        "published, so a score on it says little about another laboratory's slides.",
    ),
}
DATA = {
    "chest-xray": "8,476 frontal chest radiographs of the public ingredients of COVID-QU-Ex, split by patient and "
    "near-duplicate; 5,863 for training",
    "lung-colon": "5,000 LC25000 tiles, split by original tile; 3,479 for training",
}
CAUTION = {
    "chest-xray": "A linear model on the image border alone reaches 68.5 % on this split.",
    "lung-colon": "Tiles of the split come from the same unpublished slides and laboratory as the training tiles.",
}
FOLDER = {"chest-xray": "chest_xray", "lung-colon": "lung_colon"}


def main(shared: Path) -> None:
    """Write the four bundles into ``assets/weights``, each with the scores measured here and now."""
    for task in (CHEST_XRAY, LUNG_COLON):
        stem = FOLDER[task.id]
        vgg = {
            key.replace("head.", "head.fc."): value
            for key, value in unpack_state(load_file(shared / f"bootstrap/{stem}-vgg19_gap.int8.safetensors")).items()
        }
        epochs = 45 if task is CHEST_XRAY else 52
        teacher = _publish(task, "vgg19", vgg, "int8", VGG_METHOD.format(epochs=epochs), None, shared)
        ofa = unpack_state(load_file(shared / f"bootstrap/{stem}-ofa595.safetensors"))
        _publish(task, "ofa595", ofa, "float16", OFA_METHOD, teacher.id, shared)


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
        licence="MIT; trained on public images under their own licences, none of which is included",
        weights_sha256="0" * 64,
    )
    target = package_weights() / card.id
    bundle = write_bundle(target, state, card)
    measured = evaluate(bundle, shared / "data" / FOLDER[task.id])
    scores = CardScores(
        dataset=f"test split of the {task.name} data ({DATA[task.id].split(';')[0]})",
        images=measured.overall.images,
        accuracy=round(measured.overall.accuracy, 4),
        macro_f1=round(measured.overall.macro_f1, 4),
        ece=round(measured.overall.ece, 4),
        measured_by="python -m training evaluate",
        caution=CAUTION[task.id],
    )
    bundle = write_bundle(target, state, card.model_copy(update={"scores": (scores,)}))
    print(f"{bundle.id}: {bundle.weights_bytes / 1e6:.1f} MB, accuracy {100 * scores.accuracy:.2f} %")
    return bundle


if __name__ == "__main__":
    main(Path(sys.argv[1]))
