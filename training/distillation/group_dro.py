"""Group DRO: groups of a higher loss count more (Sagawa et al., arXiv 1911.08731, algorithm 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def group_weights(groups: int, step_size: float) -> nn.Module:
    """Return a module that gives images weights by their groups; its only state, q, is part of a checkpoint.

    The loss that is minimised is Σ_g q_g ℓ_g, with ℓ_g the mean loss of group g in the batch. q starts uniform; each
    batch first sets q_g ← q_g exp(η ℓ_g), scaled to sum 1. A group without images in the batch counts as of loss 0.
    Of several processes all see the losses of the whole batch.

    Args:
        groups: number of groups.
        step_size: η.
    """
    import torch
    from torch import nn

    class GroupWeights(nn.Module):
        """Weights of images by their groups' losses so far."""

        q: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("q", torch.full((groups,), 1 / groups))

        def forward(self, losses: Tensor, group: Tensor) -> Tensor:
            """Return a weight w_i for each image, (B,), without a gradient: mean_i(w_i ℓ_i) is Σ_g q_g ℓ_g.

            Args:
                losses: loss of each image, (B,).
                group: its group, (B,) int64.
            """
            sums = torch.zeros((2, groups), device=losses.device)
            sums.index_add_(1, group, torch.stack([losses.detach().float(), torch.ones_like(losses).float()]))
            processes = 1
            if torch.distributed.is_available() and torch.distributed.is_initialized():
                torch.distributed.all_reduce(sums)
                processes = torch.distributed.get_world_size()
            totals, counts = sums
            if self.training:
                q = self.q * (step_size * totals / counts.clamp(min=1)).exp()
                self.q.copy_(q / q.sum())
            weights: Tensor = processes * len(losses) * (self.q / counts.clamp(min=1))[group]
            return weights

    return GroupWeights()
