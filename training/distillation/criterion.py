"""The loss of a run, put together from its recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from training.distillation.losses import (
    attention_loss,
    combine_teachers,
    cross_entropy,
    decoupled_loss,
    hint_loss,
    relation_loss,
    soft_target_loss,
    standardise,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from training.recipe import Loss

Terms = dict[str, "Tensor"]


def build_criterion(
    loss: Loss, combine: str, class_weights: Tensor | None, map_channels: tuple[int, int] | None
) -> nn.Module:
    """Build the loss as a module: ``forward(z, y, answers, maps) -> {name: weighted term}``; their sum is minimised.

    It has weights of its own only for the feature hint, whose 1×1 convolution brings the student's maps to the
    teacher's number of channels.

    Args:
        loss: the recipe's part.
        combine: how several teachers are combined.
        class_weights: weight of each class, (C,), or None.
        map_channels: channels of the student's and the teacher's last maps, where a hint is wanted.
    """
    from torch import nn

    class Criterion(nn.Module):
        """Weighted terms of the loss, by name."""

        class_weights: Tensor | None

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("class_weights", class_weights, persistent=False)
            wanted = loss.hint > 0 and map_channels is not None
            self.regressor = nn.Conv2d(*map_channels, 1, bias=False) if wanted and map_channels else None

        def forward(
            self, z: Tensor, y: Tensor, answers: Tensor | None = None, maps: tuple[Tensor, Tensor] | None = None
        ) -> Terms:
            """Return the terms.

            Args:
                z: the network's logits, (B, C).
                y: the truth as probabilities, (B, C).
                answers: the teachers' logits, (K, B, C), or None.
                maps: last spatial maps of network and teacher, or None.
            """
            truth = cross_entropy(z, y, loss.smoothing, self.class_weights)
            if answers is None:
                return {"truth": truth}
            v = combine_teachers(answers, y, loss.temperature, combine)
            a, b = (standardise(z), standardise(v)) if loss.standardise else (z, v)
            T = loss.temperature
            if loss.kind == "hybrid":
                terms = {"truth": (1 - loss.alpha) * truth, "teacher": loss.alpha * soft_target_loss(a, b, T)}
            elif loss.kind == "dkd":
                matched = decoupled_loss(a, b, y, loss.dkd_alpha, loss.dkd_beta, T)
                terms = {"truth": truth, "teacher": loss.weight * matched}
            else:
                matched = relation_loss(a, b, loss.dist_beta, loss.dist_gamma, T)
                terms = {"truth": truth, "teacher": loss.weight * matched}
            if maps is not None and loss.attention > 0:
                terms["attention"] = loss.attention * attention_loss(*maps)
            if maps is not None and self.regressor is not None:
                terms["hint"] = loss.hint * hint_loss(self.regressor(maps[0]), maps[1])
            return terms

    return Criterion()


def balanced_weights(counts: list[int]) -> list[float]:
    """Return a weight for each class, inverse to its count, whose mean over all images is 1.

    Args:
        counts: images of each class; a class without any has weight 0.
    """
    present = sum(count > 0 for count in counts)
    return [sum(counts) / (present * count) if count else 0.0 for count in counts]
