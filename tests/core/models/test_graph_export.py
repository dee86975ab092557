"""The graph of a small network: linked to its weights as they are stored, upgraded, kept, and cached for runs."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import BundleError
from core.images.preprocessing import Preprocessing
from core.models.architectures import ARCHITECTURES, Architecture, build_network, with_maps
from core.models.bundle import read_bundle
from core.models.bundle_writing import replace_fitted, upgrade_bundle, with_graph, write_bundle
from core.models.card import CARD_FORMAT
from core.models.graph_export import linked_graph, trace_network
from core.runtimes.load import load_runtime
from tests.core.models.test_bundle import make_card

NAME = "small"


def build(classes, _head, _size):
    from torch import nn

    features = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
    return nn.Sequential(features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes))


@pytest.fixture(scope="module", autouse=True)
def architecture():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, NAME, Architecture(NAME, "Small", "convolutional", "0", "NCHW", "MIT", build))
        yield


@pytest.fixture(scope="module")
def card():
    return make_card(network=NAME, preprocessing=Preprocessing(channels="grey", height=40, width=32))


@pytest.fixture(scope="module")
def traced(architecture, card):
    return trace_network(card)


@pytest.fixture(scope="module")
def state(architecture):
    torch.manual_seed(0)
    network = build_network(NAME, 3)
    with torch.no_grad():
        network[0][1].running_mean += 0.1 * torch.randn(8)
        network[0][0].weight[3] = 0  # a channel whose int8 scale is 0
    return {key: value.numpy() for key, value in network.state_dict().items()}


@pytest.fixture(params=["float32", "float16", "int8"])
def bundle(request, tmp_path, card, state, traced):
    card = card.model_copy(update={"storage": request.param})
    return write_bundle(tmp_path / "chest-xray" / "student-small", state, card, traced=traced)


@pytest.fixture
def older(bundle):
    """The same as an older version wrote it."""
    path = bundle.directory / "card.json"
    stated = json.loads(path.read_text())
    del stated["graph_sha256"], stated["probe_logits"]
    path.write_text(json.dumps({**stated, "format": 6}))
    (bundle.directory / "graph.onnx").unlink()
    return read_bundle(bundle.directory)


def test_each_storage_is_computed_as_torch_does(bundle):
    batch = np.random.default_rng(1).standard_normal((5, 3, 40, 32), dtype=np.float32)
    with torch.inference_mode():
        logits, maps = (t.numpy() for t in with_maps(NAME, bundle.load_network())(torch.from_numpy(batch)))
    assert np.ptp(logits) > 0.1
    for name in ("openvino", "onnxruntime"):
        found, found_maps = load_runtime(bundle, name).forward_with_maps(batch)
        np.testing.assert_allclose(found, logits, atol=1e-5)
        np.testing.assert_allclose(found_maps, maps, atol=1e-5)


def test_no_weight_is_stored_twice_and_nothing_tells_of_the_machine(bundle):
    path = bundle.directory / "graph.onnx"
    onnx.checker.check_model(path, full_check=True)
    model = onnx.load(path, load_external_data=False)
    assert sum(len(tensor.raw_data) for tensor in model.graph.initializer) == 0
    assert {part.value for t in model.graph.initializer for part in t.external_data if part.key == "location"} == {
        "weights.safetensors"
    }
    assert [(value.name, len(value.type.tensor_type.shape.dim)) for value in model.graph.output] == [
        ("logits", 2), ("maps", 4)
    ]  # fmt: skip
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)
    (convolution,) = (node for node in model.graph.node if node.op_type == "Conv")
    assert list(convolution.input) == ["image", "0.0.weight"], "it has no bias"
    assert "Expand" not in {node.op_type for node in model.graph.node}
    assert b".py" not in path.read_bytes()


def test_the_same_network_gives_the_same_bytes(bundle, traced, card):
    found = (bundle.directory / "graph.onnx").read_bytes()
    assert linked_graph(traced, bundle.weights_path) == found
    assert linked_graph(trace_network(card), bundle.weights_path) == found


def test_an_older_bundle_is_upgraded_by_command(older):
    weights = older.weights_path.read_bytes()
    assert not older.has_graph
    done = CliRunner().invoke(app, ["upgrade", str(older.directory)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "has a graph, which OpenVINO runs" in done.stdout
    found = read_bundle(older.directory)
    found.verify()
    assert found.card.format == CARD_FORMAT
    assert found.files == ("card.json", "weights.safetensors", "graph.onnx")
    assert found.weights_path.read_bytes() == weights
    kept = {"format", "graph_sha256", "probe_logits"}
    assert found.card.model_dump(exclude=kept) == older.card.model_dump(exclude=kept)


def test_a_damaged_bundle_is_not_upgraded(older):
    older.weights_path.write_bytes(older.weights_path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="weights file has changed"):
        upgrade_bundle(older)
    assert sorted(path.name for path in older.directory.iterdir()) == ["card.json", "weights.safetensors"]


def test_the_graph_stays_when_the_gate_is_replaced(bundle, gate):
    before = (bundle.directory / "graph.onnx").read_bytes()
    changed = replace_fitted(bundle, bundle.card.model_copy(update={"temperature": 1.5}), gate)
    changed.verify()
    assert (changed.directory / "graph.onnx").read_bytes() == before
    assert changed.card.probe_logits == bundle.card.probe_logits
    assert changed.read_gate() is not None


def test_what_has_no_graph_gets_one_in_the_cache_once(older, monkeypatch):
    expected = load_runtime(older, "torch").forward(np.ones((1, 3, 40, 32), np.float32))
    made = with_graph(older)
    assert not older.has_graph
    monkeypatch.setattr("core.models.bundle_writing.trace_network", lambda _card: pytest.fail("traced again"))
    assert with_graph(older) == made
    np.testing.assert_allclose(load_runtime(made).forward(np.ones((1, 3, 40, 32), np.float32)), expected, atol=1e-5)


@pytest.mark.parametrize("changes", [{"probe_logits": None}, {"probe_logits": [1.0]}, {"graph_sha256": None}])
def test_a_card_whose_graph_and_probe_do_not_belong_together_is_refused(changes, bundle, tmp_path):
    copy = shutil.copytree(bundle.directory, tmp_path / "copy")
    path = copy / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(BundleError, match="probe"):
        read_bundle(copy)
