from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from dataset_samples import radiograph, save
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.dataset import Sample
from training.data.loading import open_dataset
from training.data.splits import known_groups, split_by_group


def samples_of(labels, facts=None):
    return [Sample(Path(f"{i:05d}.png"), label, "", (facts or {}).get(i, {})) for i, label in enumerate(labels)]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=200), st.integers(0, 5))
def test_no_group_is_in_two_splits_and_every_image_has_one(drawn, seed):
    samples, groups = samples_of([label for label, _ in drawn]), [group for _, group in drawn]
    found = split_by_group(samples, groups, seed=seed)
    where = {}
    for sample, group in zip(found, groups, strict=True):
        assert sample.split in {"train", "val", "test"}
        assert where.setdefault(group, sample.split) == sample.split
    assert [s.path for s in found] == [s.path for s in samples]


@settings(max_examples=40)
@given(
    st.sets(st.integers(0, 400), min_size=2, max_size=60),
    st.sets(st.integers(0, 400), max_size=60),
    st.randoms(use_true_random=False),
)
def test_patients_more_or_less_move_no_other(some, others, random):
    def splits(patients):
        samples = [Sample(Path(f"{p}-{i}.png"), "a", "", {"patient_id": str(p)}) for p in patients for i in range(2)]
        random.shuffle(samples)
        found = split_by_group(samples, known_groups(samples) or [])
        return {(s.path, s.known("patient_id")): s.split for s in found}

    before, after = splits(some), splits(some | others)
    assert before == {place: after[place] for place in before}
    assert splits(some - others).items() <= before.items()


def test_files_added_removed_and_renamed_move_no_other(tmp_path):
    """Class folders without a split, as they lie on a researcher's disk; every tenth picture is there twice."""

    def splits():
        return {s.path.name: s.split for s in open_dataset(tmp_path).samples}

    for number in range(30):
        path = save(tmp_path / "ab"[number % 2] / f"{number}.png", radiograph(number, side=32))
        if number % 10 == 0:
            (path.parent / f"{number}-copy.png").write_bytes(path.read_bytes())
    before = splits()
    assert all(before[f"{number}.png"] == before[f"{number}-copy.png"] for number in range(0, 30, 10))
    assert set(before.values()) == {"train", "val", "test"}

    save(tmp_path / "a" / "000-new.png", radiograph(1000, side=32))
    assert splits().items() >= before.items()
    (tmp_path / "a" / "8.png").unlink()
    (tmp_path / "a" / "0-copy.png").unlink()
    (tmp_path / "b" / "7.png").rename(tmp_path / "b" / "zz-renamed.png")
    after = splits()
    assert after.pop("zz-renamed.png") == before["7.png"]
    assert after.pop("000-new.png")
    assert after.items() <= before.items()
    tmp_path.rename(tmp_path.with_name("moved"))
    tmp_path.with_name("moved").rename(tmp_path)
    assert splits().items() >= after.items()


def test_shares_hold_on_average_in_every_class_and_depend_on_the_seed_only():
    labels = ["a"] * 4000 + ["b"] * 1000
    samples = [replace(s, facts={"group_id": str(i // 4)}) for i, s in enumerate(samples_of(labels))]
    groups = known_groups(samples)
    found = split_by_group(samples, groups, seed=1)
    for label, total in (("a", 4000), ("b", 1000)):
        counts = Counter(s.split for s in found if s.label == label)
        for split, share in (("train", 0.70), ("val", 0.15), ("test", 0.15)):
            spread = (share * (1 - share) / (total / 4)) ** 0.5
            assert counts[split] / total == pytest.approx(share, abs=3 * spread)
    backwards = split_by_group(samples[::-1], known_groups(samples[::-1]), seed=1)
    assert {s.path: s.split for s in backwards} == {s.path: s.split for s in found}
    assert found != split_by_group(samples, groups, seed=2)


def test_groups_are_joined_by_patient_and_unknown_patients_are_not_one():
    facts = {
        0: {"group_id": "g1", "patient_id": "p1"},
        1: {"group_id": "g2", "patient_id": "p1"},
        2: {"group_id": "g2"},
    }
    facts |= {3: {"patient_id": "unknown (none published)"}, 4: {"patient_id": "unknown (none published)"}}
    groups = known_groups(samples_of("aaaaa", facts))
    assert groups[0] == groups[1] == groups[2]
    assert len({groups[0], groups[3], groups[4]}) == 3
    assert known_groups(samples_of("aa")) is None
