"""Where a network's weights start: here the run of the same network at another input size."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.errors import UsageError
from core.images.preprocessing import Preprocessing
from core.models.architectures import build_network
from core.models.bundle_writing import with_graph
from core.models.probe import probe_input
from core.runtimes.openvino_runtime import OpenVinoRuntime
from core.runtimes.torch_runtime import TorchRuntime
from training.recipe import Model
from training.runs.finished import read_run
from training.runs.networks import build

TRANSFORMERS = ("visformer_small", "autoformerv2_tiny")


@pytest.fixture(params=TRANSFORMERS)
def run(request, tmp_path):
    """A finished run of a transformer with random weights, on images of 64 × 64."""
    torch.manual_seed(0)
    network = build_network(request.param, 3, size=(64, 64))
    state = {
        key: 0.1 * torch.randn_like(value) if "pos" in key and value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    save_file(state, tmp_path / "weights.safetensors")
    facts = {
        "status": "finished", "task": "chest-xray", "classes": ("COVID-19", "Non-COVID", "Normal"), "role": "teacher",
        "network": request.param, "preprocessing": Preprocessing(height=64, width=64, channels="grey").model_dump(),
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(facts))
    return tmp_path


def test_a_transformer_goes_on_from_a_run_at_another_size(run):
    start = read_run(run)
    before = start.load_network().state_dict()
    model = Model(network=start.card.network, start=str(run))
    network, started = build(model, 3, (96, 96), seed=1)
    assert started == f"the run {run.name}"
    after = network.state_dict()
    resized = {key for key in before if before[key].shape != after[key].shape}
    assert resized
    assert all(key.startswith("pos_embed") or key.endswith("relative_position_bias_table") for key in resized)
    for key in before.keys() - resized:
        assert torch.equal(before[key], after[key]), key
    assert network(torch.randn(1, 3, 96, 96)).isfinite().all()
    same, _ = build(model, 3, (64, 64), seed=1)
    assert all(torch.equal(value, before[key]) for key, value in same.state_dict().items())


def test_a_network_for_another_size_runs_on_both_runtimes(run):
    bundle = read_run(run)
    image = probe_input(bundle.card.preprocessing)
    assert image.shape == (1, 3, 64, 64)
    logits, maps = TorchRuntime(bundle).forward_with_maps(image)
    assert maps.shape == (1, 768, 2, 2)
    assert OpenVinoRuntime(with_graph(bundle)).forward(image) == pytest.approx(logits, rel=1e-3, abs=1e-3)
    assert np.ptp(logits) > 0


def test_a_size_that_a_network_can_not_take_is_refused():
    with pytest.raises(
        UsageError, match=r"Visformer-S does not take images of 65 × 65 pixels\. Choose multiples of 2\."
    ):
        build(Model(network="visformer_small"), 3, (65, 65), seed=0)


def test_a_start_that_is_nothing_is_refused():
    with pytest.raises(UsageError, match=r"neither random, .* a bundle nor a run"):
        build(Model(network="ofa595", start="nowhere"), 3, (32, 32), seed=0)
