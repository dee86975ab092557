"""Groups of training images, and epochs that show as many of each."""

from pathlib import Path

import numpy as np
import pytest

from core.errors import UsageError
from training.data.dataset import Sample
from training.data.subgroups import grouped
from training.loop.schedule import order
from training.recipe_parts import Subgroups

SIZES = {("a", "Normal"): 50, ("a", "COVID-19"): 5, ("b", "Normal"): 3, ("n/a", "Normal"): 2, ("b", "COVID-19"): 40}


@pytest.fixture
def samples():
    return [
        Sample(Path(f"{source}-{label}-{i}.png"), label, "train", {"source": source, "view": "PA"})
        for (source, label), count in SIZES.items()
        for i in range(count)
    ]


def test_groups_are_of_source_and_class_and_small_ones_of_a_class_are_one(samples):
    found = grouped(samples, Subgroups(smallest=5))
    assert found.names == ("a, COVID-19", "a, Normal", "b, COVID-19", "others, Normal")
    assert np.bincount(found.of_image).tolist() == [5, 50, 40, 5]
    assert "others, Normal 5" in found.in_words()
    by_two = grouped(samples, Subgroups(by=("view", "source"), smallest=1)).names
    assert {"PA, a, COVID-19", "PA, unknown, Normal"} < set(by_two)


def test_other_images_fall_into_the_groups_of_training(samples):
    found = grouped(samples, Subgroups(smallest=5))
    new = [Sample(Path("x"), "Normal", "val", {"source": source}) for source in ("b", "new", "a", "new")]
    numbers = found.of(new)
    assert numbers[0] == numbers[1] == numbers[3] != numbers[2]


def test_a_column_that_nothing_is_known_of_is_an_error(samples):
    with pytest.raises(UsageError, match="'scanner'"):
        grouped(samples, Subgroups(by=("source", "scanner")))


def test_a_balanced_epoch_shows_as_many_of_each_group_and_no_image_again_before_all(samples):
    groups = grouped(samples, Subgroups(smallest=5)).of_image
    first, again, second = (order(3, epoch, len(groups), groups) for epoch in (0, 0, 1))
    assert (first == again).all()
    assert (first != second).any()
    assert len(first) == len(groups)
    for places in (first, second):
        assert np.bincount(groups[places]).tolist() == [25, 25, 25, 25]
        shown = np.bincount(places, minlength=len(groups))
        for group in range(4):
            assert np.ptp(shown[groups == group]) <= 1
    assert len(set(first) | set(second)) > len(set(first)), "a large group shows other images in another epoch"


def test_shares_that_do_not_divide_differ_by_one():
    groups = np.array([0] * 7 + [1] * 3 + [2])
    assert sorted(np.bincount(groups[order(0, 0, 11, groups)])) == [3, 4, 4]
