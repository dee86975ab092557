import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from typer.testing import CliRunner

from core.compare.classifier import Classifier
from core.errors import UsageError
from core.images.preprocessing import Preprocessing
from core.images.reader import read_image
from core.models.architectures import build_network
from core.models.bundle import read_bundle
from core.models.bundle_writing import write_bundle
from core.models.catalogue import read_catalogue
from core.models.graph_export import trace_network
from training.cli.app import app
from training.data.loading import open_dataset
from training.evaluation.evaluate import evaluate
from training.evaluation.run_evaluation import write_evaluation
from training.publish.publish import publish, repack
from training.runs.finished import read_run
from training.runs.records import RunError
from training.runs.split import split_of

CLASSES = ("COVID-19", "Non-COVID", "Normal")


@pytest.fixture(scope="module")
def run_and_data(tmp_path_factory):
    """A run with random weights, and 30 smooth grey pictures with a bright band that depends on the class."""
    data, run = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("run")
    random = np.random.default_rng(0)
    lines = ["path,label,split"]
    for i in range(30):
        picture = np.tile(np.linspace(40, 180, 64), (64, 1)) + random.normal(0, 4, (64, 64))
        picture[20 * (i % 3) : 20 * (i % 3) + 10] += 60
        Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(data / f"{i}.png")
        lines.append(f"{i}.png,{CLASSES[i % 3]},{'val' if i < 18 else 'test'}")
    (data / "manifest.csv").write_text("\n".join(lines))
    torch.manual_seed(0)
    save_file(build_network("ofa595", 3).state_dict(), run / "weights.safetensors")
    facts = {
        "status": "finished", "task": "chest-xray", "classes": CLASSES, "role": "student", "network": "ofa595",
        "head": "gap", "subnet": None, "seed": 3,
        "preprocessing": Preprocessing(height=64, width=64, channels="grey").model_dump(),
        "teachers": [{"id": "chest-xray/teacher-vgg19", "weights_sha256": "0" * 64}], "epochs": 2, "best_epoch": 1,
        "recipe_digest": "a" * 64, "data_digest": "b" * 64,
    }  # fmt: skip
    split_of(open_dataset(data), {}).write(run / "split.csv")
    (run / "run.json").write_text(json.dumps(facts))
    return run, data


def test_a_run_is_published_only_when_it_was_evaluated_with_these_weights(run_and_data, tmp_path):
    run, data = run_and_data
    with pytest.raises(RunError, match="has not been evaluated"):
        publish(run, to=tmp_path)
    found = read_run(run)
    measured = evaluate(found, data, runtime="torch")
    write_evaluation(run, data, measured)
    assert json.loads((run / "evaluation.json").read_text())["weights_sha256"] == found.card.weights_sha256

    made = publish(run, to=tmp_path, runtime="torch")
    assert read_catalogue([tmp_path]).bundles[made.id].card == made.card
    card = made.card
    assert card.storage in {"int8", "float16", "float32"}
    assert card.training.teacher == "chest-xray/teacher-vgg19"
    assert (card.training.seed, card.training.data_digest) == (3, "b" * 64)
    assert card.conformal.images == 18
    assert {split: card.training.data_set.count(split) for split in ("train", "val", "test")} == {
        "train": 0,
        "val": 18,
        "test": 12,
    }
    assert card.scores[0].images == 12
    assert np.sum(card.scores[0].confusion) == 12
    for bins in (card.scores[0].reliability_uncalibrated, card.scores[0].reliability):
        assert sum(found.images for found in bins) == 12
    assert [p.name for p in made.directory.parent.iterdir()] == ["student-ofa595"]
    answer = Classifier(made, "torch").predict(read_image(data / "29.png"))
    assert not answer.novelty.is_novel
    assert answer.plausible is not None

    large = write_bundle(
        tmp_path / "chest-xray" / "student-large",
        made.read_state(),
        card.model_copy(update={"storage": "float32", "temperature": 9.0}),
        made.read_gate(),
        trace_network(card),
    )
    before = large.weights_bytes
    packed = CliRunner().invoke(app, ["pack", str(large.directory), "--data", str(data), "--runtime", "torch"])
    assert packed.exit_code == 0, packed.output
    small = read_bundle(large.directory)
    assert small.card.storage == card.storage
    assert small.weights_bytes < 0.6 * before
    assert small.card.temperature == pytest.approx(card.temperature, abs=0.05)
    assert small.card.scores[0].dataset == card.scores[0].dataset
    with pytest.raises(UsageError, match="Publish it"):
        repack(read_run(run), data)

    stale = json.loads((run / "evaluation.json").read_text()) | {"weights_sha256": "0" * 64}
    (run / "evaluation.json").write_text(json.dumps(stale))
    with pytest.raises(RunError, match="other weights"):
        publish(run, to=tmp_path)


def test_a_run_keeps_the_scores_of_the_test_split_only(run_and_data, tmp_path):
    run, data = run_and_data
    own = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation.json"))
    arguments = ["evaluate", str(own), "--data", str(data), "--runtime", "torch"]
    for split, kept in (("val", False), ("test", True)):
        assert CliRunner().invoke(app, [*arguments, "--split", split]).exit_code == 0
        assert (own / "evaluation.json").is_file() == kept
    assert json.loads((own / "evaluation.json").read_text())["split"] == "test"


def test_an_unfinished_run_is_not_read(run_and_data, tmp_path):
    run, _ = run_and_data
    facts = json.loads((run / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(facts | {"status": "cancelled"}))
    with pytest.raises(RunError, match="status is cancelled"):
        read_run(tmp_path)
