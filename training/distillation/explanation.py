"""Bring a network's class activation maps to its teacher's: one less their cosine, as in e2KD (arXiv 2402.03119).

The network's own map is Grad-CAM (Selvaraju et al., arXiv 1610.02391): one pass backward through the layers behind the
maps, which can be differentiated again, where Score-CAM takes hundreds of forwards. Both weigh the same feature maps by
what they are worth to the class. Where pooling and a linear layer follow the maps, Grad-CAM is the class activation map
of Zhou et al. (arXiv 1512.04150) itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def grad_cam(logits: Tensor, output: Tensor, classes: Tensor, to_nchw: Callable[[Tensor], Tensor]) -> Tensor:
    """Return Grad-CAM, ReLU(Σ_k α_k A_k) with α_k the mean over space of ∂ logit_c / ∂ A_k; it can be differentiated.

    Args:
        logits: (B, C).
        output: the layer's output, from which the logits were computed.
        classes: the class that each map explains, (B,).
        to_nchw: brings the layer's output to (B, K, h, w).

    Returns:
        Maps (B, h, w), not scaled, float32.
    """
    import torch

    chosen = logits.gather(1, classes.unsqueeze(1)).sum()
    (gradient,) = torch.autograd.grad(chosen, output, create_graph=True)
    weights = to_nchw(gradient).float().mean(dim=(2, 3), keepdim=True)
    return (weights * to_nchw(output).float()).sum(dim=1).relu()


def explanation_loss(own: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean over the batch of 1 − cos(own, teacher), in [0, 1] for maps without negative values.

    A map without any evidence has no direction: its loss is 1, without a gradient.

    Args:
        own: (B, h, w).
        teacher: (B, H, W), averaged down to the size of the first.
    """
    from torch.nn.functional import adaptive_avg_pool2d, cosine_similarity

    shrunk = adaptive_avg_pool2d(teacher.unsqueeze(1), (own.shape[1], own.shape[2]))
    return 1 - cosine_similarity(own.flatten(1), shrunk.flatten(1)).mean()
