import csv

import pytest
from dataset_samples import radiograph, save

from core.errors import UsageError
from training.data.hold_out import FEWEST, hold_out
from training.data.loading import open_dataset

SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Clinics a and b have both classes, c one of its own, d few images; some of no source; one group in a and b."""
    folder = tmp_path_factory.mktemp("sources")
    save(folder / "one.png", radiograph(0, side=16))
    content = (folder / "one.png").read_bytes()
    rows = [["path", "label", "split", "source", "group_id"]]

    def add(source, label, split, count, group=""):
        for _ in range(count):
            name = f"{len(rows)}.png"
            (folder / name).write_bytes(content)
            rows.append([name, label, split, source, group or f"g{len(rows)}"])

    for source in ("clinic a", "b"):
        for label in ("Normal", "COVID-19"):
            for split in SPLITS:
                add(source, label, split, FEWEST if split == "test" else 3)
    for split in SPLITS:
        add("c", "Non-COVID", split, FEWEST)
    add("d", "Normal", "test", 2)
    add("unknown", "Normal", "train", 4)
    add("clinic a", "Normal", "test", 1, group="shared")
    add("b", "Normal", "train", 1, group="shared")
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return open_dataset(folder)


def test_a_held_out_source_is_tested_and_never_trained_on(dataset, tmp_path):
    found = {one.value: one for one in hold_out(dataset, tmp_path)}
    assert set(found) == {"clinic a", "b", "c", "d"}
    held = open_dataset(found["clinic a"].folder)
    assert found["clinic a"].folder == tmp_path / "clinic-a"
    known = {sample.path.resolve(): sample for sample in dataset.samples}
    tested = {sample.path.resolve() for sample in held.samples if sample.split == "test"}
    assert tested == {p for p, s in known.items() if s.facts["source"] == "clinic a" and s.split == "test"}
    others = [sample for sample in held.samples if sample.split != "test"]
    assert {sample.facts["source"] for sample in others} == {"b", "c"}
    assert all(known[sample.path.resolve()].split == sample.split for sample in held.samples)
    assert not {s.group for s in others} & {s.group for s in held.samples if s.split == "test"}
    assert set(held.classes) == set(dataset.classes)
    assert found["clinic a"].images == {"test": 2 * FEWEST + 1, "train": 6 + FEWEST, "val": 6 + FEWEST}


def test_what_can_not_be_held_out_says_why_and_writes_nothing(dataset, tmp_path):
    found = {one.value: one for one in hold_out(dataset, tmp_path)}
    assert found["c"].words() == "c: not held out: no other source has training images of Non-COVID"
    assert found["d"].words() == "d: not held out: it has 2 of at least 20 test images"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "clinic-a"]


def test_a_set_without_sources_is_a_clear_error(dataset, tmp_path):
    with pytest.raises(UsageError, match=r"names 0 values of 'hospital'.*--by"):
        hold_out(dataset, tmp_path, by="hospital")
