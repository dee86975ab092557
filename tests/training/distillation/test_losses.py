"""Each loss against its formula, written anew in NumPy and float64, and by its gradient."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import pearsonr
from tiny_training import tiny_recipe
from torch.autograd import gradcheck
from torch.nn.functional import one_hot

from core.models.architectures import build_network
from training.distillation import losses
from training.distillation.criterion import Targets, balanced_weights, build_criterion, with_loss
from training.recipe_parts import Loss

T = 3.0


@pytest.fixture
def outputs():
    random = np.random.default_rng(0)
    z, v = 2 * random.standard_normal((2, 6, 5))
    labels = random.integers(0, 5, 6)
    return z, v, np.eye(5)[labels]


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(a)).requires_grad_(i == 0) for i, a in enumerate(arrays)]


def check(loss, expected, *arrays):
    """The value, and the gradient by the first argument, by finite differences."""
    given = tensors(*arrays)
    assert loss(*given).item() == pytest.approx(expected, rel=1e-6)
    assert gradcheck(loss, given)


def kl(p, q):
    return (p * (np.log(p) - np.log(q))).sum(axis=1).mean()


def test_cross_entropy_with_smoothing_and_class_weights(outputs):
    z, _, y = outputs
    w, smooth = np.array([0.5, 1, 2, 1, 3]), 0.1
    smoothed = (1 - smooth) * y + smooth / 5
    expected = -(w * smoothed * log_softmax(z, axis=1)).sum(axis=1).mean()
    check(lambda a, b: losses.cross_entropy(a, b, smooth, torch.from_numpy(w)), expected, z, y)


def test_soft_targets(outputs):
    z, v, _ = outputs
    expected = T**2 * kl(softmax(v / T, axis=1), softmax(z / T, axis=1))
    check(lambda a, b: losses.soft_target_loss(a, b, T), expected, z, v)
    assert losses.soft_target_loss(*tensors(v, v), T).item() == pytest.approx(0, abs=1e-12)


def test_decoupled(outputs):
    z, v, y = outputs
    p, q = softmax(v / T, axis=1), softmax(z / T, axis=1)
    true = y > 0.5
    pt, qt = p[true][:, None], q[true][:, None]
    target = kl(np.hstack([pt, 1 - pt]), np.hstack([qt, 1 - qt]))
    others = kl(p[~true].reshape(6, 4) / (1 - pt), q[~true].reshape(6, 4) / (1 - qt))
    check(lambda a, b, c: losses.decoupled_loss(a, b, c, 1.5, 8, T), T**2 * (1.5 * target + 8 * others), z, v, y)


def test_decoupled_parts_add_up_to_soft_targets_when_weighted_as_the_paper_says(outputs):
    """KL = TCKD + (1 − p_true) · NCKD, for a single image."""
    z, v, y = (a[:1] for a in outputs)
    rest = 1 - softmax(v / T, axis=1)[y > 0.5].item()
    found = losses.decoupled_loss(*tensors(z, v, y), 1.0, rest, T).item()
    assert found == pytest.approx(losses.soft_target_loss(*tensors(z, v), T).item())


def test_relations(outputs):
    z, v, _ = outputs
    p, q = softmax(v / T, axis=1), softmax(z / T, axis=1)
    between = 1 - np.mean([pearsonr(q[i], p[i]).statistic for i in range(6)])
    within = 1 - np.mean([pearsonr(q[:, c], p[:, c]).statistic for c in range(5)])
    check(lambda a, b: losses.relation_loss(a, b, 2, 0.5, T), T**2 * (2 * between + 0.5 * within), z, v)


def test_standardised_logits_have_mean_0_and_deviation_1(outputs):
    found = losses.standardise(torch.from_numpy(outputs[0]))
    assert found.mean(dim=1) == pytest.approx(np.zeros(6), abs=1e-9)
    assert found.std(dim=1, correction=0) == pytest.approx(np.ones(6), abs=1e-6)
    assert gradcheck(losses.standardise, tensors(outputs[0]))


def test_attention_transfer():
    random = np.random.default_rng(1)
    a, b = random.standard_normal((2, 3, 4, 4)), random.standard_normal((2, 5, 4, 4))

    def attention(maps):
        squared = (maps**2).mean(axis=1).reshape(2, -1)
        return squared / np.linalg.norm(squared, axis=1, keepdims=True)

    check(losses.attention_loss, ((attention(a) - attention(b)) ** 2).mean(), a, b)


def test_hints_average_the_larger_map_down():
    random = np.random.default_rng(2)
    a, b = random.standard_normal((2, 3, 2, 2)), random.standard_normal((2, 3, 4, 4))
    pooled = b.reshape(2, 3, 2, 2, 2, 2).mean(axis=(3, 5))
    check(losses.hint_loss, ((a - pooled) ** 2).mean() / (pooled**2).mean(), a, b)
    nothing = tensors(np.zeros_like(a), 1000 * b)
    assert losses.hint_loss(*nothing).item() == pytest.approx(1)  # whatever the teacher's values


@pytest.mark.parametrize("how", ["mean", "confidence"])
def test_several_teachers(outputs, how):
    z, v, y = outputs
    both = np.stack([z, v])
    if how == "mean":
        weights = np.full((2, 6), 0.5)
    else:
        errors = -(y * log_softmax(both, axis=2)).sum(axis=2)
        weights = 1 - softmax(errors, axis=0)
    expected = (weights[:, :, None] * softmax(both / T, axis=2)).sum(axis=0)
    combined = losses.combine_teachers(torch.from_numpy(both), torch.from_numpy(y), T, how)
    assert softmax(combined.numpy() / T, axis=1) == pytest.approx(expected)


def test_a_teacher_that_knows_the_truth_weighs_more():
    y = torch.tensor([[1.0, 0, 0]])
    outputs = torch.tensor([[[6.0, 0, 0]], [[0, 6.0, 0]]])
    mean, trusted = (losses.combine_teachers(outputs, y, 1.0, how).softmax(1)[0, 0] for how in ("mean", "confidence"))
    assert mean == pytest.approx(0.5, abs=0.01)
    assert trusted > 0.95


def test_the_criterion_is_hybrid_supervision_by_default(outputs):
    z, v, y = map(torch.from_numpy, outputs)
    terms = build_criterion(Loss(alpha=0.3, temperature=T), "mean", None, None)(z, Targets(y, v[None]))
    truth, teacher = losses.cross_entropy(z, y), losses.soft_target_loss(z, v, T)
    assert sum(terms.values()).item() == pytest.approx((0.7 * truth + 0.3 * teacher).item())


@pytest.mark.parametrize(
    ("loss", "names"),
    [
        (Loss(kind="dkd"), {"truth", "teacher"}),
        (Loss(kind="dist", standardise=True), {"truth", "teacher"}),
        (Loss(attention=2, hint=3), {"truth", "teacher", "attention", "hint"}),
    ],
)
def test_the_criterion_names_its_terms_and_every_one_has_a_gradient(outputs, loss, names):
    z, v, y = (torch.from_numpy(a).float() for a in outputs)
    z.requires_grad_()
    maps = torch.randn(6, 3, 2, 2, requires_grad=True)
    criterion = build_criterion(loss, "mean", None, (3, 4))
    terms = criterion(z, Targets(y, v[None], torch.randn(6, 4, 4, 4)), maps)
    assert terms.keys() == names
    sum(terms.values()).backward()
    assert z.grad.abs().sum() > 0
    if "hint" in names:
        assert terms["hint"].item() == pytest.approx(loss.hint), "at first as much as maps of zeros, not more"
        assert criterion.regressor.weight.grad.abs().sum() > 0
        assert maps.grad.abs().sum() > 0


def test_a_hint_is_made_for_the_size_that_the_network_has_now():
    network, size = "visformer_small", (32, 32)  # at first a run's images are smaller than the recipe's
    theirs = SimpleNamespace(network="ofa595", module=build_network("ofa595", 3), how=SimpleNamespace(size=(64, 64)))
    teachers = {"bundles": ["theirs"], "cache": False}
    recipe = tiny_recipe(size=64, model={"network": network}, loss={"hint": 1.0}, teachers=teachers)
    module = with_loss(build_network(network, 3, size=size), size, recipe, [theirs], None)
    channels = module.criterion.regressor.out_channels
    targets = Targets(torch.eye(3)[:2], torch.zeros(1, 2, 3), torch.ones(2, channels, 2, 2))
    assert module(torch.zeros(2, 3, *size), targets).keys() == {"truth", "teacher", "hint"}


def test_without_a_teacher_there_is_only_the_truth(outputs):
    z, _, y = map(torch.from_numpy, outputs)
    terms = build_criterion(Loss(alpha=0.9, smoothing=0.1), "mean", None, None)(z, Targets(y))
    assert terms.keys() == {"truth"}
    assert terms["truth"].item() == pytest.approx(losses.cross_entropy(z, y, 0.1).item())


def test_balanced_weights_give_every_class_the_same_say():
    counts = [10, 30, 60]
    weights = balanced_weights(counts)
    assert [w * n for w, n in zip(weights, counts, strict=True)] == pytest.approx([100 / 3] * 3)
    assert balanced_weights([5, 0, 5]) == [1, 0, 1]


def test_parts_of_a_batch_add_up():
    z, v = torch.randn(2, 8, 3, dtype=torch.float64)
    y = one_hot(torch.randint(0, 3, (8,)), 3).double()
    weights = torch.tensor([0.5, 1, 2], dtype=torch.float64)
    criterion = build_criterion(Loss(smoothing=0.1), "mean", weights, None)

    def total(rows):
        return sum(criterion(z[rows], Targets(y[rows], v[None, rows])).values()).item()

    assert total(slice(None)) == pytest.approx((total(slice(0, 4)) + total(slice(4, 8))) / 2)
