"""Fixtures that the tests of training share: a small data set, and a finished run on it."""

from __future__ import annotations

import pytest
from tiny_training import tiny_recipe, write_images


@pytest.fixture(scope="session")
def one_thread():
    """Torch on one thread: small networks are slower on several, and bits may differ."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def small_images(tmp_path_factory):
    """Sixty images, of which six are for testing; not to be changed."""
    return write_images(tmp_path_factory.mktemp("images"), 60, test=1)


@pytest.fixture(scope="session")
def small_run(one_thread, small_images, tmp_path_factory):
    """A finished run of one epoch on them; not to be changed."""
    from training.loop.loop import train

    out = tmp_path_factory.mktemp("runs") / "small"
    train(tiny_recipe(optim__epochs=1), small_images, out)
    return out
