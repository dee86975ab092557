"""The optimiser of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import nn


def make_optimiser(module: nn.Module, recipe: Recipe, fused: bool) -> torch.optim.Optimizer:
    """Return AdamW (arXiv 1711.05101) in which vectors, that is biases and norms, have no weight decay."""
    import torch

    matrices = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.optim.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.optim.lr, fused=fused)
