import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from core.models.catalogue import read_catalogue
from core.uncertainty.calibration import softmax
from training.data.dataset import Sample
from training.data.layouts.manifest import read_manifest
from training.evaluation.evaluate import agree, evaluate
from training.evaluation.predictions import Predictions


def test_a_student_scores_on_real_images_what_its_card_says_by_chance_of_sampling(shared_data, tmp_path):
    """120 test images drawn evenly: enough to notice a wrong transform, which would cost tens of points."""
    bundle = read_catalogue().bundles["chest-xray/student-ofa595"]
    rows = [s for s in read_manifest(shared_data / "chest_xray") if s.split == "test"][::11]
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "population"])
        writer.writerows([s.path, s.label, "test", s.facts["population"]] for s in rows)
    found = evaluate(bundle, tmp_path)
    stated = bundle.card.scores[0].accuracy
    spread = 3 * np.sqrt(stated * (1 - stated) / len(rows))
    assert abs(found.overall.accuracy - stated) < spread
    assert {"population=adult", "population=paediatric (1-5 y)"} <= found.subgroups.keys()


def test_the_command_prints_json(shared_data, tmp_path):
    rows = [s for s in read_manifest(shared_data / "lung_colon") if s.split == "test"][::50]
    lines = ["path,label,split", *(f"{s.path},{s.label},test" for s in rows)]
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    answer = subprocess.run(
        [sys.executable, "-m", "training", "evaluate", "lung-colon/student-ofa595", "--data", tmp_path, "--json"],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found = json.loads(answer.stdout)
    assert found["bundle"] == "lung-colon/student-ofa595"
    assert found["overall"]["images"] == len(rows)
    assert found["overall"]["accuracy"] > 0.7


def test_agreement_with_another_model_is_the_literal_mean(tmp_path):
    bundle = read_catalogue().bundles["chest-xray/student-ofa595"]
    random = np.random.default_rng(0)
    samples = [Sample(tmp_path, label, "test", {}) for label in bundle.card.classes]
    mine, theirs = (Predictions(samples, random.normal(size=(3, 3)), np.zeros(0), np.zeros(0)) for _ in range(2))
    found = agree(bundle, mine, bundle, theirs)
    p, q = (softmax(a.logits, bundle.card.temperature) for a in (theirs, mine))
    assert found.kl == pytest.approx(np.mean([sum(a * np.log(a / b)) for a, b in zip(p, q, strict=True)]))
    assert found.same_class == np.mean(p.argmax(1) == q.argmax(1))
    assert agree(bundle, mine, bundle, mine).kl == pytest.approx(0)


def test_training_never_imports_qt():
    script = "import sys, training.cli.app; print([m for m in sys.modules if 'PySide' in m])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout.strip() == "[]"
