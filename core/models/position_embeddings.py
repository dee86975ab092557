"""A transformer's position embeddings, brought to the input size of another network of its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn

BIAS_TABLE = ".relative_position_bias_table"


def fit_positions(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Return weights whose position embeddings are interpolated to the sizes of a network's own.

    Visformer's are maps (1, C, h, w); AutoFormerV2's are tables of the relative positions in a window, a map of
    (2h - 1, 2w - 1) for each head. Both are scaled bicubically, by timm.

    Args:
        state: weights, by name.
        network: the network that they are meant for; not changed.
    """
    from timm.layers import resample_abs_pos_embed_nhwc, resize_rel_pos_bias_table_simple

    own = network.state_dict()
    fitted = dict(state)
    for key, value in state.items():
        if key not in own or value.shape == own[key].shape or value.ndim != own[key].ndim:
            continue
        if key.startswith("pos_embed"):
            rows_last = resample_abs_pos_embed_nhwc(value.permute(0, 2, 3, 1), list(own[key].shape[-2:]))
            fitted[key] = rows_last.permute(0, 3, 1, 2).contiguous()
        elif key.endswith(BIAS_TABLE):
            window: Any = network.get_submodule(key.removesuffix(BIAS_TABLE)).window_size
            fitted[key] = resize_rel_pos_bias_table_simple(value, window, own[key].shape)
    return fitted
