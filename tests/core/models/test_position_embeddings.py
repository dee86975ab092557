"""Position embeddings brought to another size, each kind checked on one that is linear in its place."""

import pytest
import torch

from core.models.architectures import build_network
from core.models.position_embeddings import BIAS_TABLE, fit_positions


def test_a_map_of_positions_keeps_its_picture():
    network = build_network("visformer_small", 3, size=(64, 64))
    own = network.pos_embed1
    ramp = torch.linspace(-1, 1, 28).expand(1, own.shape[1], 28, 28)  # from left to right, for images of 224
    fitted = fit_positions({"pos_embed1": ramp}, network)["pos_embed1"]
    assert fitted.shape == own.shape == (1, 192, 8, 8)
    centres = (torch.arange(8) + 0.5) * 28 / 8 - 0.5
    expected = (centres / 27 * 2 - 1).expand(fitted.shape)
    assert fitted[..., 1:-1] == pytest.approx(expected[..., 1:-1].numpy(), abs=0.02)
    assert torch.equal(fitted, fitted[:, :1].expand_as(fitted)), "channels and rows were mixed"


def test_a_table_of_relative_positions_keeps_its_picture():
    network = build_network("autoformerv2_tiny", 3, size=(96, 96))
    key = f"layers.2.blocks.0.attn{BIAS_TABLE}"
    heads = network.state_dict()[key].shape[1]
    offsets = torch.arange(-13, 14).float()  # of a window of 14
    table = offsets.repeat_interleave(27)[:, None].expand(-1, heads)  # grows with the row's offset
    fitted = fit_positions({key: table}, network)[key]
    assert fitted.shape == (121, heads)  # a window of 6
    rows = fitted.reshape(11, 11, heads)
    assert rows == pytest.approx(rows[:, :1].expand_as(rows).numpy(), abs=1e-3), "columns were taken for rows"
    assert (rows[1:, 0, 0] > rows[:-1, 0, 0]).all()
    assert rows[5, 0, 0] == pytest.approx(0, abs=1e-3)


def test_what_has_its_size_or_is_unknown_stays():
    network = build_network("visformer_small", 3, size=(64, 64))
    state = {"pos_embed1": torch.randn(1, 192, 8, 8), "head.weight": torch.zeros(5, 768), "other": torch.zeros(2)}
    assert fit_positions(state, network) == state
