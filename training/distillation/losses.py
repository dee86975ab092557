"""What is minimised: hybrid supervision by labels and teacher, and other distillation losses.

Everywhere z is a student's logits and v its teacher's, both (B, C); y the labels as probabilities (B, C), one-hot or
mixed; T a temperature. Every loss is a mean over the batch, so that parts of a batch add up; where ``reduction`` can be
``none`` instead, it is the loss of each image, (B,).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Reduction = Literal["mean", "none"]
EPSILON = 1e-7


def cross_entropy(
    z: Tensor, y: Tensor, smoothing: float = 0.0, class_weights: Tensor | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """Return mean over the batch of −Σ_c w_c ỹ_c log softmax(z)_c, where ỹ = (1 − ε) y + ε / C."""
    from torch.nn.functional import cross_entropy as torch_cross_entropy

    return torch_cross_entropy(z, y, weight=class_weights, label_smoothing=smoothing, reduction=reduction)


def soft_target_loss(z: Tensor, v: Tensor, temperature: float, reduction: Reduction = "mean") -> Tensor:
    """Return T² · KL(softmax(v / T) ‖ softmax(z / T)) (Hinton et al., arXiv 1503.02531)."""
    from torch.nn.functional import kl_div

    student = (z / temperature).log_softmax(dim=1)
    teacher = (v / temperature).log_softmax(dim=1)
    if reduction == "none":
        return kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1) * temperature**2
    return kl_div(student, teacher, reduction="batchmean", log_target=True) * temperature**2


def standardise(logits: Tensor) -> Tensor:
    """Return logits less their mean, over their deviation, image by image (Sun et al., arXiv 2403.01427)."""
    centred = logits - logits.mean(dim=1, keepdim=True)
    return centred / (centred.square().mean(dim=1, keepdim=True).sqrt() + EPSILON)


def decoupled_loss(z: Tensor, v: Tensor, y: Tensor, alpha: float, beta: float, temperature: float) -> Tensor:
    """Return DKD (Zhao et al., arXiv 2203.08679): T² · (alpha · TCKD + beta · NCKD).

    TCKD is the divergence of (p_true, 1 − p_true), NCKD that of the other classes' probabilities among themselves.

    Args:
        z: student's logits.
        v: teacher's logits.
        y: the labels, one-hot.
        alpha: weight of TCKD.
        beta: weight of NCKD.
        temperature: T.
    """
    import torch
    from torch.nn.functional import kl_div

    true = y > 0.5
    student, teacher = (z / temperature).log_softmax(dim=1), (v / temperature).log_softmax(dim=1)

    def binary(log_p: Tensor) -> Tensor:
        others = log_p.masked_fill(true, -torch.inf).logsumexp(dim=1)
        return torch.stack([log_p[true], others], dim=1)

    def other_classes(logits: Tensor) -> Tensor:
        rest = logits[~true].reshape(len(logits), -1)
        return (rest / temperature).log_softmax(dim=1)

    target = kl_div(binary(student), binary(teacher), reduction="batchmean", log_target=True)
    others = kl_div(other_classes(z), other_classes(v), reduction="batchmean", log_target=True)
    return (alpha * target + beta * others) * temperature**2


def relation_loss(z: Tensor, v: Tensor, beta: float, gamma: float, temperature: float) -> Tensor:
    """Return DIST (Huang et al., arXiv 2205.10536): T² · (beta · inter + gamma · intra).

    ``inter`` is 1 − Pearson's correlation of the two outputs for an image, over its classes; ``intra`` that of the two
    outputs for a class, over the batch's images.
    """
    student, teacher = (z / temperature).softmax(dim=1), (v / temperature).softmax(dim=1)
    between = 1 - _correlation(student, teacher).mean()
    within = 1 - _correlation(student.T, teacher.T).mean()
    return (beta * between + gamma * within) * temperature**2


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    correlation: Tensor = (a * b).sum(dim=1) / (a.norm(dim=1) * b.norm(dim=1) + EPSILON)
    return correlation


def attention_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean squared difference of two attention maps (Zagoruyko and Komodakis, arXiv 1612.03928).

    The attention map is the mean over channels of the squared maps (B, K, h, w), scaled to norm 1 over space; the
    larger one is first averaged down to the size of the smaller.
    """
    from torch.nn.functional import normalize

    student, teacher = _same_size(student.square().mean(dim=1, keepdim=True), teacher.square().mean(1, keepdim=True))
    return (normalize(student.flatten(1)) - normalize(teacher.flatten(1))).square().mean()


def hint_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean squared difference of feature maps (Romero et al., FitNets, arXiv 1412.6550).

    It is divided by the mean square of the teacher's maps, so that 1 is what maps of zeros would cost, whatever layer
    is compared: a network's values differ by orders of magnitude from layer to layer.

    Args:
        student: (B, K, h, w), already brought to the teacher's number of channels.
        teacher: (B, K, h', w'); the larger of the two is averaged down to the size of the smaller.
    """
    from torch.nn.functional import mse_loss

    student, teacher = _same_size(student, teacher)
    return mse_loss(student, teacher) / teacher.square().mean().clamp_min(EPSILON)


def _same_size(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    from torch.nn.functional import adaptive_avg_pool2d

    size = (min(a.shape[2], b.shape[2]), min(a.shape[3], b.shape[3]))
    return adaptive_avg_pool2d(a, size), adaptive_avg_pool2d(b, size)


def combine_teachers(logits: Tensor, y: Tensor, temperature: float, how: str) -> Tensor:
    """Return logits v whose softmax(v / T) is the weighted mean of several teachers' softmax(v_k / T).

    Args:
        logits: logits of K teachers, (K, B, C).
        y: the labels as probabilities, (B, C).
        temperature: T.
        how: ``mean``; or ``confidence``: w_k = (1 − softmax_k(CE_k)) / (K − 1) for each image, where CE_k is the k-th
            teacher's cross-entropy on the labels (Zhang et al., CA-MKD, arXiv 2201.00007).
    """
    import torch

    if len(logits) == 1:
        return logits[0]
    if how == "confidence":
        errors = -(y * logits.log_softmax(dim=2)).sum(dim=2)
        weights = (1 - errors.softmax(dim=0)) / (len(logits) - 1)
    else:
        weights = torch.full(logits.shape[:2], 1 / len(logits), device=logits.device, dtype=logits.dtype)
    log_p = (logits / temperature).log_softmax(dim=2) + weights.log().unsqueeze(2)
    return log_p.logsumexp(dim=0) * temperature
