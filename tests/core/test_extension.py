"""A network, a task, a runtime, a heat map and a format from outside, as CONTRIBUTING.md shows them, end to end."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import RuntimeUnavailableError, UsageError
from core.explain.reference_cams import METHODS, class_activation_map
from core.explain.scorecam import ScoreCam
from core.exports.formats import FORMATS
from core.images.preprocessing import Preprocessing, preprocess
from core.images.reader import read_image
from core.models.architectures import ARCHITECTURES, model_name
from core.models.catalogue import read_catalogue
from core.runtimes.base import RuntimeKind
from core.runtimes.load import RUNTIMES, load_runtime, runtime_name
from core.system.paths import user_tasks
from tests.tiny_models import write_random

PAGE = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"
HOW = Preprocessing(height=32, width=32)


@pytest.fixture(scope="module", autouse=True)
def extended(tmp_path_factory):
    """The page's examples, each run by itself, and two bundles made with them."""
    registries = (ARCHITECTURES, RUNTIMES, METHODS, FORMATS)
    before = [dict(registry) for registry in registries]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINLENS_DATA", str(tmp_path_factory.mktemp("data")))
        (task,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        user_tasks().mkdir()
        (user_tasks() / "fundus.toml").write_text(task, "utf-8")
        for example in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            exec(compile(example, PAGE.name, "exec"), {})  # noqa: S102 - our own page
        assert [len(registry) - len(old) for registry, old in zip(registries, before, strict=True)] == [1, 1, 1, 1]
        for seed, role in enumerate(("teacher", "student")):
            write_random("fundus", role, "tinynet", HOW, seed)
        yield
    for registry, old in zip(registries, before, strict=True):
        registry.clear()
        registry.update(old)


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "eye.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)).save(path)
    return path


def test_an_image_is_compared_and_explained_by_command(picture, tmp_path):
    table, tasks = tmp_path / "table.csv", tmp_path / "tasks.tsv"
    words = ["compare", str(picture), "--task", "fundus", "--runtime", "float64", "--json", "--csv", str(table),
             "--write", f"tasks={tasks}"]  # fmt: skip
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    (found,) = json.loads(done.stdout)["images"]
    assert (done.exit_code, found["error"], found["task"]) == (0, None, "fundus")
    inputs = torch.from_numpy(preprocess(read_image(picture), HOW))
    for role in ("teacher", "student"):
        bundle = read_catalogue().find("fundus", role)
        with torch.inference_mode():
            expected = bundle.load_network()(inputs).softmax(1)[0].numpy()
        assert list(found[role]["probabilities"].values()) == pytest.approx(expected, abs=1e-5)
        assert found[role]["runtime"] == "float64"
        assert found[role]["cam"]["method"] == "exact"  # of eight maps none need be left out
    (row,) = csv.DictReader(table.read_text("utf-8-sig").splitlines())
    assert "fundus" in row.values()
    assert tasks.read_text("utf-8") == f"{picture}\tfundus\n"


def test_exact_score_cam_is_the_same_by_all_runtimes(picture):
    bundle = read_catalogue().find("fundus", "student")
    inputs = preprocess(read_image(picture), HOW)
    found = {}
    for name in ("torch", "openvino", "onnxruntime"):
        *_, found[name] = ScoreCam(load_runtime(bundle, name), inputs).refine(1, "exact")
    assert np.ptp(found["torch"].values) > 0.5
    for name in ("openvino", "onnxruntime"):
        np.testing.assert_allclose(found[name].values, found["torch"].values, atol=2e-3)


def test_the_heat_map_is_found_by_its_name(picture):
    bundle = read_catalogue().find("fundus", "student")
    inputs, network = preprocess(read_image(picture), HOW), bundle.load_network()
    found = class_activation_map("Mean of maps", "tinynet", network, inputs, 1)
    expected = network[0](torch.from_numpy(inputs))[0].mean(0).detach().numpy()
    np.testing.assert_allclose(found.values, (expected - expected.min()) / np.ptp(expected), atol=1e-5)
    assert (found.method, found.layer, found.maps_total) == ("Mean of maps", "0", 8)


def test_names_and_defaults_take_it_into_account():
    assert model_name("fundus/teacher-tinynet") == "TinyNet"
    assert runtime_name("float64") == "torch in float64"
    with pytest.raises(UsageError, match="auto, openvino, onnxruntime, torch, float64"):
        CliRunner().invoke(app, ["compare", "x.png", "--runtime", "caffe"], catch_exceptions=False)


def test_automatic_goes_by_rank_and_says_what_could_not_be_used(monkeypatch):
    def missing(_bundle, _threads):
        raise RuntimeUnavailableError("The quick one is not installed.")

    def refused(_bundle, _threads):
        raise RuntimeUnavailableError("Nor is this one.")

    bundle = read_catalogue().find("fundus", "student")
    kinds = [("quick", missing, 0), ("next", refused, 1), ("float64", RUNTIMES["float64"].load, 2)]
    for name in ("openvino", "onnxruntime", "torch"):
        monkeypatch.delitem(RUNTIMES, name)
    for name, load, rank in reversed(kinds):
        monkeypatch.setitem(RUNTIMES, name, RuntimeKind(name, name, load, lambda rank=rank: rank))
    found = load_runtime(bundle)
    assert (found.name, found.notice) == ("float64", "The quick one is not installed. Float64 is used instead.")
    monkeypatch.delitem(RUNTIMES, "float64")
    with pytest.raises(RuntimeUnavailableError, match="The quick one is not installed"):
        load_runtime(bundle)
