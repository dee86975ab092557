"""The command on a made-up set with a planted shortcut: a marker in a corner that gives the class away."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pypdf
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import nn
from typer.testing import CliRunner

from core.cli.app import app
from core.cli.quality import STOPPED
from core.errors import UsageError
from core.images.preprocessing import Preprocessing, preprocess
from core.images.reader import read_image
from core.models.architectures import ARCHITECTURES, Architecture, build_network, count_macs, count_parameters
from core.models.bundle import read_bundle, write_bundle
from core.models.card import Card, Training
from core.models.map_quality import MapFigure
from core.quality.image_quality import QualityMeter
from core.reports.model_card import model_facts, write_model_facts
from core.tasks import CHEST_XRAY

HOW = Preprocessing(height=32, width=32, channels="grey")
CLASSES = CHEST_XRAY.class_ids
MARKER = (slice(1, 7), slice(1, 7))


def build(classes, _head, _size):
    features = nn.Sequential(
        nn.Conv2d(3, 12, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 16, 3, 2, 1),
        nn.ReLU(),
    )
    return nn.Sequential(features, nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, classes))


def picture(label, random, *, marked):
    """Noise with a faint finding in the middle, vertical or horizontal lines or none, and perhaps a marker."""
    pixels = random.normal(100, 12, (32, 32))
    rows, columns = np.mgrid[:32, :32]
    if label < 2:
        lines = np.sin((columns if label == 0 else rows) * np.pi / 2) * 12
        pixels += lines * (np.hypot(rows - 18, columns - 18) < 8)
    if marked:
        pixels[MARKER] = 230
    return pixels.clip(0, 255).astype(np.uint8)


def pictures(random, count, *, shortcut):
    """Return pictures and labels: the marker is in all of the first class, or in a third of all at random."""
    labels = np.arange(count) % 3
    marked = labels == 0 if shortcut else random.random(count) < 1 / 3
    return [picture(label, random, marked=m) for label, m in zip(labels, marked, strict=True)], labels


def trained(folder, role, *, shortcut):
    """Write a bundle of a tiny network, trained for a few seconds on one of the two sets."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    made, labels = pictures(random, 300, shortcut=shortcut)
    path = folder / f"{role}.png"
    inputs = []
    for pixels in made:
        Image.fromarray(pixels).save(path)
        inputs.append(preprocess(read_image(path), HOW))
    path.unlink()
    x, y = torch.from_numpy(np.concatenate(inputs)), torch.from_numpy(labels)
    network = build_network("tinynet", 3, size=HOW.size).train()
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for step in range(120):
        batch = torch.from_numpy(np.random.default_rng(step).permutation(300)[:60])
        loss = nn.functional.cross_entropy(network(x[batch]), y[batch])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.2
    card = Card(
        task="chest-xray", classes=CLASSES, role=role, network="tinynet", preprocessing=HOW, storage="float32",
        parameters=count_parameters(network), macs=count_macs(network, *HOW.size),
        training=Training(data="made up", method="tiny", made_by="a test", made_on=date(2026, 1, 1)),
        intended_use="tests", licence="MIT", weights_sha256="0" * 64,
    )  # fmt: skip
    return write_bundle(folder / role, {k: v.detach().numpy() for k, v in network.state_dict().items()}, card)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network that was taught the shortcut, one that was not, and a test set with masks of marker and finding."""
    folder = tmp_path_factory.mktemp("shortcut")
    with pytest.MonkeyPatch.context() as patch:
        layer = Architecture("tinynet", "TinyNet", "convolutional", "0", "NCHW", "MIT", build)
        patch.setitem(ARCHITECTURES, "tinynet", layer)
        bundles = [trained(folder, "teacher", shortcut=True), trained(folder, "student", shortcut=False)]
        random, data = np.random.default_rng(1), folder / "data"
        finding = np.hypot(*(np.mgrid[:32, :32] - 18)) < 8
        marker = np.zeros((32, 32), np.uint8)
        marker[MARKER] = 255
        for i in range(12):
            place = data / CLASSES[i % 3]
            for name in ("images", "marker masks", "infection masks"):
                (place / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(i % 3, random, marked=i % 3 == 0)).save(place / "images" / f"{i}.png")
            Image.fromarray(marker * (i % 3 == 0)).save(place / "marker masks" / f"{i}.png")
            Image.fromarray(255 * finding.astype(np.uint8) * (i % 3 < 2)).save(place / "infection masks" / f"{i}.png")
        yield data, bundles


def run(made, *more):
    data, bundles = made
    words = ["quality", *(str(bundle.directory) for bundle in bundles), "--data", str(data), "--runtime", "torch"]
    return CliRunner().invoke(app, [*words, *map(str, more)], catch_exceptions=False)


@pytest.fixture(scope="module")
def measured(made, tmp_path_factory):
    """What the command wrote, with plots, and the models' cards after it."""
    out = tmp_path_factory.mktemp("out") / "quality"
    done = run(
        made, "--out", out, "--costly", 2, "--methods", "fast,Grad-CAM", "--write-card", "--dataset", "made-up films"
    )
    assert done.exit_code == 0, done.output
    return out, json.loads((out / "quality.json").read_text("utf-8"))


def summary(found, role, method):
    return next(s for s in found["summaries"] if s["model"] == f"chest-xray/{role}-tinynet" and s["method"] == method)


@pytest.mark.parametrize("method", ["fast", "Grad-CAM"])
def test_the_maps_of_the_network_that_learned_the_marker_lie_on_it(measured, method):
    _, found = measured
    learned, honest = (summary(found, role, method)["measures"] for role in ("teacher", "student"))
    assert learned["pointing:marker"]["value"] == 1
    assert learned["energy:marker"]["value"] > 3 * learned["area:marker"]["value"]
    assert learned["energy:marker"]["value"] > 2 * honest["energy:marker"]["value"]
    assert honest["energy:infection"]["value"] > learned["energy:infection"]["value"]
    assert learned["energy:marker"]["images"] == 4, "images without a marker have no mask of it"


def test_page_and_json_hold_both_models_their_difference_and_the_time(measured):
    out, found = measured
    page = (out / "quality.md").read_text("utf-8")
    assert (found["measured"], found["costly"], found["failures"], found["stopped"]) == (12, 2, [], False)
    for text in ("12 images of made-up films", "Score-CAM, fast", "Grad-CAM", "Energy inside (marker) ↑", "difference",
                 "Similarity with random weights ↓", "s an image for its maps", "Machine: "):  # fmt: skip
        assert text in page, text
    for name in ("quality-fast.png", "quality-grad-cam.png"):
        assert f"]({name})" in page
        with Image.open(out / name) as plot:
            assert plot.size[0] > 1000
    for method in ("fast", "Grad-CAM"):
        for role in ("teacher", "student"):
            measures = summary(found, role, method)["measures"]
            assert measures.keys() >= {"deletion", "insertion", "road", "drop", "increase", "complexity", "sparseness"}
            assert measures["noise"]["images"] == measures["shift"]["images"] == measures["randomised"]["images"] == 2
            assert all(f["low"] <= f["value"] <= f["high"] for f in measures.values())
    rows = [r for r in found["results"] if r["model"] == "chest-xray/teacher-tinynet"]
    assert np.mean([r["maps"]["fast"]["values"]["drop"] for r in rows]) == pytest.approx(
        summary(found, "teacher", "fast")["measures"]["drop"]["value"]
    )


def test_the_card_has_the_figures_and_its_pages_show_them(made, measured, tmp_path):
    _, found = measured
    card = read_bundle(made[1][0].directory).card
    assert (card.map_quality.images, card.map_quality.dataset) == (12, "made-up films")
    stored = {m.method: {f.measure: f.value for f in m.figures} for m in card.map_quality.methods}
    assert stored["fast"]["deletion"] == summary(found, "teacher", "fast")["measures"]["deletion"]["value"]
    page = model_facts(card)
    assert "## Quality of heat maps" in page
    assert f"{stored['fast']['deletion']:.3f} (" in page
    assert "## Quality of heat maps" not in model_facts(card.model_copy(update={"map_quality": None}))
    write_model_facts(tmp_path / "card.pdf", card)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "card.pdf").pages)
    assert "Energy inside (marker) ↑" in text
    read_bundle(made[1][0].directory).load_network()  # the weights still fit the card


def test_a_card_with_an_impossible_interval_is_refused():
    for ends in ({"low": 0.6, "high": 0.4}, {"low": 0.1}, {"low": 0.1, "high": float("nan")}):
        with pytest.raises(ValidationError):
            MapFigure(measure="deletion", value=0.5, images=3, **ends)


def test_a_run_that_was_stopped_resumes_and_gives_the_same(made, measured, tmp_path, monkeypatch):
    _, whole = measured
    more = ("--out", tmp_path, "--costly", 2, "--methods", "fast,Grad-CAM", "--json")
    measure, seen = QualityMeter.measure, []

    def stops(self, image, **options):
        if len(seen) == 7:
            raise KeyboardInterrupt
        seen.append(image.name)
        return measure(self, image, **options)

    monkeypatch.setattr(QualityMeter, "measure", stops)
    stopped = run(made, *more)
    assert stopped.exit_code == STOPPED
    assert "Stopped after 3 of 12 images; the same command resumes" in stopped.stderr
    assert json.loads(stopped.stdout)["measured"] == 3
    monkeypatch.setattr(QualityMeter, "measure", lambda *a, **o: seen.append(1) or measure(*a, **o))
    resumed = run(made, *more)
    assert (resumed.exit_code, len(seen)) == (0, 24)
    again = json.loads(resumed.stdout)
    for one, other in zip(again["summaries"], whole["summaries"], strict=True):
        assert (one["measures"], one["curves"]) == (other["measures"], other["curves"])


def test_an_image_that_cant_be_opened_is_listed_and_stops_nothing(made, tmp_path):
    data, bundles = made
    torn = tmp_path / "data" / "Normal" / "torn.png"
    torn.parent.mkdir(parents=True)
    torn.write_bytes((data / "Normal" / "images" / "2.png").read_bytes()[:200])
    (torn.parent / "whole.png").write_bytes((data / "Normal" / "images" / "2.png").read_bytes())
    done = run((tmp_path / "data", bundles[:1]), "--measures", "complexity", "--methods", "fast", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["measured"], len(found["failures"])) == (1, 1, 1)
    assert found["failures"][0].startswith("Normal/torn.png, chest-xray/teacher-tinynet: ")
    assert summary(found, "teacher", "fast")["measures"].keys() == {"complexity", "sparseness"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--methods", "magic"), "There is no method 'magic'"),
        (("--measures", "speed"), "There are no measures 'speed'"),
        (("--out", "DATA/out"), "results would lie among the images"),
        (("--data", "DATA/missing"), "There is no such folder"),
    ],
)
def test_wrong_usage_is_said_before_anything_is_measured(made, more, said):
    with pytest.raises(UsageError, match=said):
        run(made, *(word.replace("DATA", str(made[0])) for word in more))


def test_models_of_several_tasks_are_refused(made, tmp_path):
    data, bundles = made
    card = bundles[0].card.model_copy(update={"task": "lung-colon"})
    other = write_bundle(tmp_path / "other", bundles[0].read_state(), card)
    with pytest.raises(UsageError, match="of several tasks: chest-xray, lung-colon"):
        run((data, [bundles[0], replace(other)]))
