from itertools import pairwise

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from tiny_training import tiny_recipe

from core.images.preprocessing import Preprocessing
from training.data.augmentation import view_numbers
from training.distillation.criterion import with_loss
from training.distillation.teaching import Teaching
from training.loop.batches import Batches
from training.loop.ema import moving_average, update
from training.loop.optimiser import make_optimiser
from training.loop.schedule import learning_rate, order
from training.loop.train_step import Stepper
from training.runs.networks import build


def gradient_step(parts):
    """One step of plain gradient descent on VGG19, which has no batch norm, without dropout."""
    recipe = tiny_recipe(
        model={"network": "vgg19", "dropout": 0.0}, optim__batch=8, optim__accumulate=parts, optim__clip=0.0
    )
    random = np.random.default_rng(0)
    pixels = torch.from_numpy(random.integers(0, 256, (8, 32, 32, 1), np.uint8))
    labels = random.integers(0, 3, 8)
    how = Preprocessing(height=32, width=32, channels="grey")
    network, _ = build(recipe.model, 3, (32, 32), recipe.seed)
    before = [p.detach().clone() for p in network.parameters()]
    accelerator = Accelerator(cpu=True)
    module = with_loss(network, (recipe.size, recipe.size), recipe, [], None)
    module, optimiser = accelerator.prepare(module, torch.optim.SGD(module.parameters()))
    batches = Batches(recipe, pixels, labels, 3, accelerator.device)
    stepper = Stepper(recipe, accelerator, module.train(), optimiser, batches, how, Teaching())
    terms = stepper.take(np.arange(8), view_numbers(0, 0, 8), None, 1.0, (0, 0))
    return terms["truth"].item(), [a - b.detach() for a, b in zip(before, network.parameters(), strict=True)]


def test_parts_of_a_batch_give_loss_and_gradient_of_the_whole():
    (loss, whole), (same, parts) = gradient_step(1), gradient_step(4)
    assert same == pytest.approx(loss, rel=1e-5)
    for a, b in zip(whole, parts, strict=True):
        assert (a - b).norm() <= 1e-3 * a.norm() + 1e-9


def test_vectors_have_no_weight_decay():
    recipe = tiny_recipe(optim__weight_decay=0.3)
    network, _ = build(recipe.model, 3, (32, 32), 0)
    decayed, plain = make_optimiser(network, recipe, fused=False).param_groups
    assert decayed["weight_decay"] == 0.3
    assert plain["weight_decay"] == 0
    assert {p.ndim for p in plain["params"]} == {1}
    assert min(p.ndim for p in decayed["params"]) == 2
    assert len(decayed["params"]) + len(plain["params"]) == len(list(network.parameters()))


def test_learning_rate_warms_up_and_falls_to_its_end():
    how = tiny_recipe(optim__epochs=10, optim__lr=1.0, optim__warmup=2.0, optim__final_lr=0.1).optim
    rates = [learning_rate(how, step, 5) for step in range(50)]
    assert all(a < b for a, b in pairwise(rates[:11]))
    assert max(rates) == rates[10] == 1
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[30] == pytest.approx(0.1 + 0.9 / 2)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)


def test_every_epoch_sees_every_image_once_in_another_order():
    first, second = order(0, 0, 50), order(0, 1, 50)
    assert sorted(first) == sorted(second) == list(range(50))
    assert (first != second).any()
    assert (order(1, 0, 50) != first).any()


def test_the_moving_average_is_the_exponential_one():
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, 0.0)
    average, expected = moving_average(network, 0.5), 0.0
    for step in range(12):
        torch.nn.init.constant_(network.weight, float(step))
        update(average, network, step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert average.module.weight.item() == pytest.approx(expected)


@pytest.mark.parametrize("decay", [0.0, 0.9, 0.998, 0.9999])
def test_timms_decay_is_the_warm_up_that_recipes_describe_to_the_last_bit(decay):
    average = moving_average(torch.nn.Linear(1, 1), decay)
    for step in range(20_000):
        weight = np.float32(1 - min(decay, (1 + step) / (10 + step)))
        assert np.float32(1 - average.get_decay(step + 2)) == weight


def test_the_moving_average_takes_running_statistics_along():
    network = torch.nn.BatchNorm2d(2)
    average = moving_average(network, 0.0)
    network(torch.randn(4, 2, 3, 3) + 5)
    update(average, network, 0)
    assert torch.equal(average.module.running_mean, network.running_mean)
    assert average.module.num_batches_tracked == 1
