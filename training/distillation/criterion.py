"""The loss of a run, put together from its recipe, and the network with it as the module that is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from core.errors import UsageError
from training.distillation.explanation import explanation_loss, grad_cam
from training.distillation.group_dro import group_weights
from training.distillation.losses import (
    Reduction,
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
from training.runs.networks import LayerMaps

if TYPE_CHECKING:
    from torch import Tensor, nn

    from training.recipe import Recipe
    from training.recipe_parts import Loss

Terms = dict[str, "Tensor"]


class Targets(NamedTuple):
    """What a network is to answer for a batch, by its labels and teachers.

    Attributes:
        y: the labels as probabilities, (B, C).
        teacher_logits: the teachers' logits, (K, B, C), or None.
        teacher_maps: the teacher's feature maps, (B, K', h, w), or None.
        group: the group of each image, (B,), or None.
        heat_maps: the teacher's heat maps, (B, h, w), or None.
        heat_classes: the classes that these explain, (B,), or None.
    """

    y: Tensor
    teacher_logits: Tensor | None = None
    teacher_maps: Tensor | None = None
    group: Tensor | None = None
    heat_maps: Tensor | None = None
    heat_classes: Tensor | None = None


def build_criterion(
    loss: Loss,
    combine: str,
    class_weights: Tensor | None,
    map_channels: tuple[int, int] | None,
    dro: tuple[int, float] | None = None,
) -> nn.Module:
    """Build the loss as a module: ``forward(z, targets, maps)`` gives weighted terms by name, to be summed.

    It has weights of its own only for the feature hint, whose 1×1 convolution brings the student's maps to the
    teacher's number of channels, and a state only for group DRO.

    Args:
        loss: the recipe's part.
        combine: how several teachers are combined.
        class_weights: weight of each class, (C,), or None.
        map_channels: channels of the student's and the teacher's maps, where a hint is wanted.
        dro: number of groups and step size of group DRO, where it is wanted.
    """
    import torch
    from torch import nn

    class Criterion(nn.Module):
        """Weighted terms of the loss, by name."""

        class_weights: Tensor | None

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("class_weights", class_weights, persistent=False)
            wanted = loss.hint > 0 and map_channels is not None
            self.regressor = nn.Conv2d(*map_channels, 1, bias=False) if wanted and map_channels else None
            if self.regressor is not None:
                nn.init.zeros_(self.regressor.weight)  # random maps would cost many times as much as none
            self.group_weights = None if dro is None else group_weights(*dro)

        def forward(self, z: Tensor, targets: Targets, maps: Tensor | None = None) -> Terms:
            """Return the terms.

            Args:
                z: the network's logits, (B, C).
                targets: what they are held against.
                maps: the network's spatial maps, or None.
            """
            terms = self._answers(z, targets)
            if maps is not None and targets.teacher_maps is not None:
                theirs = targets.teacher_maps.float()
                if loss.attention > 0:
                    terms["attention"] = loss.attention * attention_loss(maps, theirs)
                if self.regressor is not None:
                    terms["hint"] = loss.hint * hint_loss(self.regressor(maps), theirs)
            return terms

        def _answers(self, z: Tensor, targets: Targets) -> Terms:
            """Return the terms that compare logits with labels and with those of the teachers."""
            one_by_one = self.group_weights is not None and targets.group is not None
            how: Reduction = "none" if one_by_one else "mean"
            truth = cross_entropy(z, targets.y, loss.smoothing, self.class_weights, how)
            terms = {"truth": truth}
            if targets.teacher_logits is not None:
                v = combine_teachers(targets.teacher_logits, targets.y, loss.temperature, combine)
                a, b = (standardise(z), standardise(v)) if loss.standardise else (z, v)
                T = loss.temperature
                if loss.kind == "hybrid":
                    matched = loss.alpha * soft_target_loss(a, b, T, how)
                    terms = {"truth": (1 - loss.alpha) * truth, "teacher": matched}
                elif loss.kind == "dkd":
                    matched = decoupled_loss(a, b, targets.y, loss.dkd_alpha, loss.dkd_beta, T)
                    terms["teacher"] = loss.weight * matched
                else:
                    terms["teacher"] = loss.weight * relation_loss(a, b, loss.dist_beta, loss.dist_gamma, T)
            if self.group_weights is None or targets.group is None:
                return terms
            weights = self.group_weights(torch.stack(list(terms.values())).sum(dim=0), targets.group)
            return {name: (weights * term).mean() for name, term in terms.items()}

    return Criterion()


def with_loss(
    network: nn.Module,
    size: tuple[int, int],
    recipe: Recipe,
    teachers: list[Teacher],
    class_weights: Tensor | None,
    groups: int = 0,
) -> nn.Module:
    """Wrap a network so that its forward returns the terms of the loss; that is the module that is trained.

    Args:
        network: the network.
        size: height and width of its input in pixels; at first a run's images may be smaller than the recipe's.
        recipe: the recipe.
        teachers: the teachers.
        class_weights: weight of each class, or None.
        groups: number of groups, 0 where images are not grouped.

    Raises:
        UsageError: if network or teacher lacks the layer that is to be compared.
    """
    from torch import nn

    name, loss = recipe.model.network, recipe.loss
    own_layer, teacher_layer = loss.map_layers or ("", "")
    channels = None
    if loss.needs_maps:
        teacher = teachers[0]
        channels = (
            _map_channels(name, network, size, own_layer),
            _map_channels(teacher.network, teacher.module, teacher.how.size, teacher_layer),
        )
    dro = (groups, recipe.subgroups.dro) if groups and recipe.subgroups.dro else None

    class WithLoss(nn.Module):
        """A network and the loss that it is trained by."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network
            self.criterion = build_criterion(loss, recipe.teachers.combine, class_weights, channels, dro)
            self._maps = LayerMaps(name, network, own_layer) if loss.needs_maps else None
            self._explained = LayerMaps(name, network) if recipe.explanation.wanted else None

        def forward(self, images: Tensor, targets: Targets) -> Terms:
            logits = self.network(images).float()
            maps = None if self._maps is None else self._maps.take().float()
            terms: Terms = self.criterion(logits, targets, maps)
            if self._explained is not None and targets.heat_maps is not None and targets.heat_classes is not None:
                output = self._explained.take_output()
                own = grad_cam(logits, output, targets.heat_classes, self._explained.to_nchw)
                terms["explanation"] = recipe.explanation.weight * explanation_loss(own, targets.heat_maps)
            return terms

    return WithLoss()


def _map_channels(name: str, network: nn.Module, size: tuple[int, int], layer: str) -> int:
    import torch

    maps = LayerMaps(name, network, layer)
    training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, *size))
    network.train(training)
    found = maps.take()
    maps.remove()
    if found.ndim != 4:
        raise UsageError(
            f"The layer {layer!r} of {name} gives no spatial maps, but an output of shape {tuple(found.shape)}.",
            remedy="Name other layers in loss.map_layers.",
        )
    return found.shape[1]


def balanced_weights(counts: list[int]) -> list[float]:
    """Return a weight for each class, inverse to its count, whose mean over all images is 1.

    Args:
        counts: images of each class; a class without any has weight 0.
    """
    present = sum(count > 0 for count in counts)
    return [sum(counts) / (present * count) if count else 0.0 for count in counts]
