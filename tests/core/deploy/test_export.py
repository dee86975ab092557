"""A model as a file for other programs: each is opened by its own runtime and gives the program's probabilities."""

import json
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from core.cli.app import app
from core.deploy import export as exporting
from core.deploy.export import export_model
from core.deploy.figures import Compared, Figures, Scored, check
from core.deploy.format import Order
from core.deploy.formats import MODEL_FORMATS
from core.deploy.pictures import labelled_pictures
from core.errors import ExportError, UsageError
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.system.extras import MissingExtraError
from core.system.openvino_core import openvino_core
from core.uncertainty.calibration import softmax

KINDS = [
    ("onnx", "float32"), ("onnx", "float16"), ("onnx", "int8"), ("openvino", "float32"), ("openvino", "float16"),
    ("openvino", "int8"), ("torchscript", "float32"), ("torchscript", "float16"), ("litert", "float32"),
    ("litert", "float16"), ("litert", "int8"),
]  # fmt: skip
SHARES = {"float32": (0.8, 1.2), "float16": (0.4, 0.85), "int8": (0.2, 0.75)}  # of the weights in float32


@pytest.fixture(scope="module")
def exported(chest_model, films, tmp_path_factory):
    """Returns a function that gives the chest model in a format and precision; each is written once."""
    made = {}

    def get(kind, precision):
        needed = MODEL_FORMATS[kind].needs + (MODEL_FORMATS[kind].needs_for_int8 if precision == "int8" else ())
        missing = [name for name in needed if find_spec(name) is None]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")
        if (kind, precision) not in made:
            validation = labelled_pictures(films, chest_model.card, 48) if precision == "int8" else None
            order = Order(chest_model, precision, validation, max_loss=0.1)
            folder = tmp_path_factory.mktemp("exports") / f"{kind}-{precision}"
            made[kind, precision] = export_model(order, MODEL_FORMATS[kind], folder)
        return made[kind, precision]

    return get


@pytest.fixture(scope="module")
def truth(chest_model, films):
    """Torch's own probabilities for each picture, and what its manifest says."""
    paths = sorted(films.glob("*.png"))
    batch = np.concatenate([preprocess(read_image(path), chest_model.card.preprocessing) for path in paths])
    with torch.inference_mode():
        logits = chest_model.load_network()(torch.from_numpy(batch)).numpy()
    pictures = labelled_pictures(films, chest_model.card, 48)
    np.testing.assert_array_equal(pictures.batch, batch)
    return batch, softmax(logits, chest_model.card.temperature), pictures.labels


def facts_inside(kind, file):
    if kind == "onnx":
        import onnx

        (entry,) = onnx.load(file).metadata_props
        return entry.value
    if kind == "openvino":
        return openvino_core().read_model(file).get_rt_info(["twinlens"]).value
    with zipfile.ZipFile(file) as archive:  # of TorchScript as of LiteRT
        (name,) = [name for name in archive.namelist() if name.endswith("twinlens.json")]
        return archive.read(name).decode()


def fitted(logits, labels):
    """The temperature of the highest likelihood, found by trying many."""
    tried = np.geomspace(0.05, 20, 4000)
    return tried[np.argmax([np.log(softmax(logits, t)[range(len(labels)), labels]).mean() for t in tried])]


@pytest.mark.parametrize(("kind", "precision"), KINDS)
def test_a_file_gives_the_models_probabilities_and_tells_how_it_is_used(kind, precision, exported, truth, chest_model):
    found = exported(kind, precision)
    batch, expected, labels = truth
    facts = json.loads(facts_inside(kind, found.file))
    assert facts == json.loads((found.folder / "model.json").read_text(encoding="utf-8"))
    assert facts["classes"] == list(chest_model.card.classes)
    assert facts["input"]["colour"] == "grey"
    assert facts["notice"].startswith("For research use only")
    network = MODEL_FORMATS[kind].open(found.file, 1)
    logits = np.concatenate([np.array(network(image[None])) for image in batch])
    chances = softmax(logits, facts["temperature"])
    figures = json.loads((found.folder / "figures.json").read_text(encoding="utf-8"))
    if precision == "int8":
        (scored,) = figures["scored"]
        assert scored["accuracy"] == pytest.approx((chances.argmax(1) == labels).mean())
        assert scored["accuracy_before"] == pytest.approx((expected.argmax(1) == labels).mean())
        assert scored["accuracy_before"] - scored["accuracy"] <= 0.1
        assert facts["temperature"] == figures["temperature"] != figures["temperature_before"] == 1.3
        own = np.log(expected) * 1.3  # logits but for what the softmax does not see
        assert facts["temperature"] == pytest.approx(1.3 * fitted(logits, labels) / fitted(own, labels), rel=5e-3)
    else:
        assert np.abs(chances - expected).max() < (1e-4 if precision == "float32" else 5e-3)
        assert figures["temperature"] == 1.3
        assert figures["compared"]["images"] == 5
    least, most = SHARES[precision]
    weights = sum(value.nbytes for value in chest_model.read_state().values())
    assert least < figures["bytes"] / weights < most
    text = (found.folder / "README.md").read_text(encoding="utf-8")
    assert "made-up films: accuracy 90.00 %" in text
    assert "research use only" in text
    assert "outside the training data" in text
    assert "made-up films" in (found.folder / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", MODEL_FORMATS)
def test_the_example_in_python_runs_as_it_stands(kind, exported, truth, films, chest_model):
    found = exported(kind, "float32")
    _batch, expected, _labels = truth
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "example.py", films / "005.png"],
        capture_output=True, encoding="utf-8", check=False, cwd=found.folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert list(answer) == list(chest_model.card.classes)
    np.testing.assert_allclose(list(answer.values()), expected[5], atol=1e-4)
    code = (found.folder / "example.py").read_text(encoding="utf-8")
    assert code in (found.folder / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser_runtime():
    """The folder of npm's packages with onnxruntime-web, installed once into a cache."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed")
    place = platformdirs.user_cache_path("twinlens-tests") / "onnxruntime-web"
    if not (place / "node_modules" / "onnxruntime-web" / "package.json").is_file():
        place.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
        done = subprocess.run(
            ["npm", "install", "--prefix", place, *quiet, "onnxruntime-web"],
            capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        if done.returncode:
            pytest.skip(f"npm can't install onnxruntime-web: {done.stderr.strip()[-300:]}")
    return place / "node_modules"


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_the_example_for_browsers_runs_as_it_stands(precision, exported, truth, films, browser_runtime):
    found = exported("onnx", precision)
    batch, expected, _labels = truth
    if precision == "int8":
        facts = json.loads((found.folder / "model.json").read_text(encoding="utf-8"))
        expected = softmax(MODEL_FORMATS["onnx"].open(found.file, 1)(batch[5:6]), facts["temperature"]).repeat(6, 0)
    (found.folder / "pixels.bin").write_bytes(Image.open(films / "005.png").convert("RGBA").tobytes())
    link = found.folder / "node_modules"
    if not link.exists():
        link.symlink_to(browser_runtime, target_is_directory=True)
    program = (
        "import { readFileSync } from 'node:fs'; import { predict } from './example.mjs';"
        "console.log(JSON.stringify(await predict(new Uint8ClampedArray(readFileSync('pixels.bin')))));"
    )
    done = subprocess.run(
        ["node", "--no-warnings", "--input-type=module", "--eval", program],
        capture_output=True, encoding="utf-8", check=False, cwd=found.folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    np.testing.assert_allclose(list(answer.values()), expected[5], atol=5e-3)


def test_tiles_in_torchscript_come_with_the_configuration_that_qupath_reads(tile_model, tmp_path):
    made = MODEL_FORMATS["torchscript"]
    order = Order(tile_model, "float32")
    unknown = export_model(order, made, tmp_path / "unknown")
    config = json.loads((unknown.folder / "config.json").read_text(encoding="utf-8"))
    assert "spacing_um_px" not in config
    assert any("spacing_um_px" in notice for notice in unknown.notices)
    known = export_model(order, made, tmp_path / "known", um_per_pixel=0.5)
    config = json.loads((known.folder / "config.json").read_text(encoding="utf-8"))
    kinds = {
        "spec_version": str, "architecture": str, "num_classes": int, "class_names": list, "patch_size_pixels": int,
        "spacing_um_px": float, "transform": list,
    }  # fmt: skip
    assert {key: type(value) for key, value in config.items()} == kinds  # all that wsinfer-zoo's schema requires
    assert config["spec_version"] == "1.0"
    assert config["class_names"] == list(tile_model.card.classes)
    assert config["num_classes"] == len(config["class_names"])
    # what WSInfer does with it: transform, forward, softmax
    how = {step["name"]: step.get("arguments") for step in config["transform"]}
    assert list(how) == ["Resize", "ToTensor", "Normalize"]
    assert how["Resize"] == {"size": 64}
    pixels = np.random.default_rng(1).random((64, 64, 3), np.float32)
    x = ((pixels - how["Normalize"]["mean"]) / how["Normalize"]["std"]).transpose(2, 0, 1)[None].astype(np.float32)
    found = softmax(made.open(known.folder / "torchscript_model.pt", 1)(x))
    with torch.inference_mode():
        expected = softmax(tile_model.load_network()(torch.from_numpy(x)).numpy(), tile_model.card.temperature)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_only_tiles_have_that_configuration(exported):
    assert not (exported("torchscript", "float32").folder / "config.json").exists()


def damaged(path):
    import onnx

    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 4:
            tensor.raw_data = bytes(len(tensor.raw_data))
            break
    onnx.save(model, path)


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_a_file_that_computes_something_else_is_refused_and_nothing_is_left(
    precision, chest_model, films, tmp_path, monkeypatch
):
    made = MODEL_FORMATS["onnx"]
    copy = made.__class__(**{**vars(made), "write_smaller": lambda plain, _order, path: broken(plain, path)})

    def broken(plain, path):
        shutil.copyfile(plain, path)
        damaged(path)

    validation = labelled_pictures(films, chest_model.card, 48)
    with pytest.raises(ExportError, match="Nothing was written"):
        export_model(Order(chest_model, precision, validation), copy, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_loss_is_refused_on_any_of_the_labelled_sets():
    def figures(*losses):
        scored = tuple(Scored("films", 100, 0.9, 0.9 - loss, 0.1, 0.1) for loss in losses)
        return Figures(1, 1, 1.0, 1.0, 1, "cpu", 1.0, 1.0, Compared("films", 5, 5, 0.5, 0.5), scored)

    check(figures(0.0, 0.01, -0.2), "int8", 0.01)
    with pytest.raises(ExportError, match=r"loses 2\.0 points"):
        check(figures(0.0, 0.02), "int8", 0.01)
    with pytest.raises(ExportError, match=r"logits differ by 0\.5"):
        check(figures(), "float16", 1.0)


def test_what_can_not_be_asked_for_is_said_before_anything_is_computed(chest_model, films, tmp_path, monkeypatch):
    def failing(kind, precision, folder):
        with pytest.raises((UsageError, MissingExtraError)) as caught:
            export_model(Order(chest_model, precision), MODEL_FORMATS[kind], folder)
        return str(caught.value)

    assert "Choose float32 or float16" in failing("torchscript", "int8", tmp_path / "out")
    assert "validation images" in failing("onnx", "int8", tmp_path / "out")
    assert "Choose a new folder" in failing("onnx", "float32", films)
    with pytest.raises(UsageError, match="no such folder"):
        labelled_pictures(tmp_path / "nowhere", chest_model.card, 100)
    empty = tmp_path / "images"
    empty.mkdir()
    with pytest.raises(UsageError, match="COVID-19, Non-COVID, Normal"):
        labelled_pictures(empty, chest_model.card, 100)
    monkeypatch.setattr(exporting, "find_spec", lambda _name: None)
    assert '[export]"' in failing("onnx", "float32", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_and_says_what_it_measured(chest_model, films, tmp_path):
    out = tmp_path / "out"
    words = [chest_model.directory, "--to", "openvino", "--precision", "float16", "--test", films, "--out", out]
    answer = CliRunner().invoke(app, ["export", *map(str, words), "--json"])
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert Path(said["folder"]) == out
    assert {path.name for path in out.iterdir()} == {
        "model.xml", "model.bin", "model.json", "figures.json", "card.md", "README.md", "example.py",
    }  # fmt: skip
    assert said["scored"][0]["images"] == said["compared"]["images"] == 48
    assert said["scored"][0]["accuracy"] == pytest.approx(46 / 48)
