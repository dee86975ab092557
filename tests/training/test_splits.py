from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from training.samples import Sample
from training.splits import known_groups, split_by_group


def samples_of(labels, facts=None):
    return [Sample(Path(f"{i:05d}.png"), label, "", (facts or {}).get(i, {})) for i, label in enumerate(labels)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), min_size=1, max_size=200), st.integers(0, 5))
def test_no_group_is_torn_and_every_image_has_a_split(drawn, seed):
    samples, groups = samples_of([label for label, _ in drawn]), [group for _, group in drawn]
    found = split_by_group(samples, groups, seed=seed)
    where = {}
    for sample, group in zip(found, groups, strict=True):
        assert sample.split in {"train", "val", "test"}
        assert where.setdefault(group, sample.split) == sample.split
    assert [s.path for s in found] == [s.path for s in samples]


def test_shares_hold_in_every_class_and_depend_on_the_seed_only():
    samples = samples_of(["a"] * 400 + ["b"] * 100)
    groups = [i // 4 for i in range(500)]
    found = split_by_group(samples, groups, seed=1)
    for label, total in (("a", 400), ("b", 100)):
        counts = Counter(s.split for s in found if s.label == label)
        assert abs(counts["train"] / total - 0.70) <= 0.04
        assert abs(counts["test"] / total - 0.15) <= 0.04
    backwards = split_by_group(samples[::-1], groups[::-1], seed=1)
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
