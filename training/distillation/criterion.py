"""The loss of a run, put together from its recipe, and the network with it as the module that is trained."""

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
from training.distillation.teachers import Teacher
from training.runs.networks import LastMaps

if TYPE_CHECKING:
    from torch import Tensor, nn

    from training.recipe import Loss, Recipe

Terms = dict[str, "Tensor"]


def build_criterion(
    loss: Loss, combine: str, class_weights: Tensor | None, map_channels: tuple[int, int] | None
) -> nn.Module:
    """Build the loss as a module: ``forward(z, y, teacher_logits, maps)`` gives weighted terms by name, to be summed.

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
            self, z: Tensor, y: Tensor, teacher_logits: Tensor | None = None, maps: tuple[Tensor, Tensor] | None = None
        ) -> Terms:
            """Return the terms.

            Args:
                z: the network's logits, (B, C).
                y: the labels as probabilities, (B, C).
                teacher_logits: the teachers' logits, (K, B, C), or None.
                maps: last spatial maps of network and teacher, or None.
            """
            truth = cross_entropy(z, y, loss.smoothing, self.class_weights)
            if teacher_logits is None:
                return {"truth": truth}
            v = combine_teachers(teacher_logits, y, loss.temperature, combine)
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


def with_loss(network: nn.Module, recipe: Recipe, teachers: list[Teacher], class_weights: Tensor | None) -> nn.Module:
    """Wrap a network so that its forward returns the terms of the loss; that is the module that is trained.

    Args:
        network: the network.
        recipe: the recipe.
        teachers: the teachers.
        class_weights: weight of each class, or None.
    """
    from torch import nn

    wants_maps = recipe.loss.needs_maps
    channels = None
    if wants_maps:
        channels = (
            _map_channels(recipe.model.network, network, recipe.size),
            _map_channels(teachers[0].network, teachers[0].module, recipe.size),
        )

    class WithLoss(nn.Module):
        """A network and the loss that it is trained by."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.criterion = build_criterion(recipe.loss, recipe.teachers.combine, class_weights, channels)
            self._maps = LastMaps(recipe.model.network, network) if wants_maps else None

        def forward(
            self, images: Tensor, y: Tensor, teacher_logits: Tensor | None, teacher_maps: Tensor | None
        ) -> Terms:
            logits = self.network(images).float()
            maps = None
            if self._maps is not None and teacher_maps is not None:
                maps = (self._maps.take().float(), teacher_maps.float())
            terms: Terms = self.criterion(logits, y, teacher_logits, maps)
            return terms

    return WithLoss()


def _map_channels(name: str, network: nn.Module, size: int) -> int:
    import torch

    maps = LastMaps(name, network)
    training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, size, size))
    network.train(training)
    channels = maps.take().shape[1]
    maps.remove()
    return channels


def balanced_weights(counts: list[int]) -> list[float]:
    """Return a weight for each class, inverse to its count, whose mean over all images is 1.

    Args:
        counts: images of each class; a class without any has weight 0.
    """
    present = sum(count > 0 for count in counts)
    return [sum(counts) / (present * count) if count else 0.0 for count in counts]
