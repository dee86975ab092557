"""Group DRO, held against algorithm 1 of its paper written in NumPy."""

import numpy as np
import pytest
import torch

from training.distillation.criterion import Targets, build_criterion
from training.distillation.group_dro import group_weights
from training.distillation.losses import cross_entropy, soft_target_loss
from training.recipe_parts import Loss

ETA = 0.3


def test_groups_of_a_higher_loss_count_more_as_the_algorithm_says():
    random = np.random.default_rng(0)
    module, q = group_weights(3, ETA), np.full(3, 1 / 3)
    for _ in range(5):
        losses, group = random.random(8) + np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 2, 2, 2])
        means = np.array([losses[group == g].mean() for g in range(3)])
        q = q * np.exp(ETA * means)
        q /= q.sum()
        weights = module(torch.from_numpy(losses).float(), torch.from_numpy(group)).numpy()
        assert (weights * losses).mean() == pytest.approx((q * means).sum(), rel=1e-5)
    assert module.q.numpy() == pytest.approx(q, rel=1e-5)
    assert q[2] > q[1] > q[0]


def test_a_group_that_a_batch_lacks_counts_as_of_loss_0_and_evaluation_changes_nothing():
    module = group_weights(2, ETA)
    weights = module(torch.ones(4), torch.zeros(4, dtype=torch.int64))
    e = np.exp(ETA)
    assert module.q.numpy() == pytest.approx([e / (e + 1), 1 / (e + 1)])
    assert weights.numpy() == pytest.approx(np.full(4, e / (e + 1)))
    before = module.q.clone()
    module.eval()(torch.ones(4), torch.zeros(4, dtype=torch.int64))
    assert torch.equal(module.q, before)


def test_the_criterion_weights_labels_and_teacher_alike_and_keeps_its_state_in_a_checkpoint():
    z, v, y = torch.randn(6, 3, requires_grad=True), torch.randn(1, 6, 3), torch.eye(3)[[0, 1, 2, 0, 1, 2]]
    group = torch.tensor([0, 0, 0, 0, 0, 1])
    loss = Loss(alpha=0.4, temperature=2.0)
    criterion = build_criterion(loss, "mean", None, None, (2, ETA))
    terms = criterion(z, Targets(y, v, group=group))
    truth = 0.6 * cross_entropy(z, y, reduction="none")
    matched = 0.4 * soft_target_loss(z, v[0], 2.0, "none")
    both = (truth + matched).detach()
    q = torch.tensor([both[:5].mean(), both[5]]).mul(ETA).softmax(0)
    assert terms["truth"].item() == pytest.approx((q[0] * truth[:5].mean() + q[1] * truth[5]).item(), rel=1e-5)
    assert terms["teacher"].item() == pytest.approx((q[0] * matched[:5].mean() + q[1] * matched[5]).item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(sum(terms.values()), z)
    (expected,) = torch.autograd.grad((q[0] * (truth + matched)[:5].mean() + q[1] * (truth + matched)[5]), z)
    assert gradient.numpy() == pytest.approx(expected.numpy(), abs=1e-6)
    again = build_criterion(loss, "mean", None, None, (2, ETA))
    again.load_state_dict(criterion.state_dict())
    assert again.group_weights.q.numpy() == pytest.approx(q.numpy())


def test_losses_of_single_images_have_the_usual_mean():
    z, v, y = torch.randn(6, 3), torch.randn(6, 3), torch.eye(3)[[0, 1, 2, 0, 1, 2]]
    weights = torch.tensor([0.5, 1.0, 2.0])
    for smoothing in (0.0, 0.1):
        one_by_one = cross_entropy(z, y, smoothing, weights, "none")
        assert one_by_one.mean().item() == pytest.approx(cross_entropy(z, y, smoothing, weights).item())
    assert soft_target_loss(z, v, 3.0, "none").mean().item() == pytest.approx(soft_target_loss(z, v, 3.0).item())
