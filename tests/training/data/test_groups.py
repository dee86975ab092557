"""What a split must keep together: known patients, and pictures that are nearly the same; unknown ones are nobody."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from dataset_samples import original_tile, radiograph, save, sibling
from hypothesis import given, settings
from hypothesis import strategies as st

from training.data.dataset import Sample
from training.data.duplicates import near_duplicates
from training.data.fingerprints import fingerprint
from training.data.groups import groups_of
from training.data.loading import open_dataset
from training.data_check.check import check


def quiet(_what, _done, _total):
    pass


UNKNOWN = [
    "", "unknown", "Unknown", "UNKNOWN (none published)", "unknown patient", "not known", "not available",
    "not provided", "Unspecified",
    "n/a", "N/A", "NA", "nan", "NaN", "<NA>", "None", "NULL", "null", "nil", "-", "--", "—", "?", "#N/A",
    " None ", "anonymous", "ANONYMIZED", "n/a (withheld)", "missing", "undefined",
]  # fmt: skip
KNOWN = [
    "Nanjing",
    "Nancy",
    "Nandi",
    "Unknown17",
    "unknown-3",
    "NA-12",
    "None-Such Hospital",
    "Nullarbor",
    "0",
    "-7",
    "A",
]


@pytest.mark.parametrize("value", UNKNOWN)
def test_what_says_unknown_is_unknown(value):
    assert Sample(Path("x"), "a", "", {"patient_id": value}).known("patient_id") == ""


@pytest.mark.parametrize("value", KNOWN)
def test_what_only_begins_so_is_a_name(value):
    assert Sample(Path("x"), "a", "", {"source": value}).known("source") == value


def written(folder, patients, pictures):
    """Write a manifest of patients and generated pictures by number; equal numbers are nearly the same picture."""
    rows = [("path", "label", "patient_id")]
    for i, (patient, number) in enumerate(zip(patients, pictures, strict=True)):
        pixels = radiograph(number, side=48).astype(np.int16) + i % 3
        save(folder / f"{i}.png", pixels.clip(0, 255).astype(np.uint8))
        rows.append((f"{i}.png", ("COVID-19", "Normal")[number % 2], patient))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder


@pytest.mark.parametrize("unknown", ["NA", "None", "NULL", "-", "unknown (none published)"])
def test_images_of_unknown_patients_are_not_one_patient(unknown, tmp_path):
    found = open_dataset(written(tmp_path, [unknown] * 60, range(60)))
    assert {s.split for s in found.samples} == {"train", "val", "test"}
    assert not {f.code for f in check(found).findings} & {"no-val", "no-train", "large-patient"}


def test_a_few_known_patients_do_not_switch_near_duplicates_off(tmp_path):
    pictures = [i // 2 for i in range(80)]  # each there twice
    patients = [f"p{i // 8}" if i < 16 else "unknown" for i in range(80)]
    found = open_dataset(written(tmp_path, patients, pictures))
    for one, other in zip(found.samples[::2], found.samples[1::2], strict=True):
        assert one.split == other.split
    for patient in ("p0", "p1"):
        assert len({s.split for s in found.samples if s.known("patient_id") == patient}) == 1
    assert not {f.code for f in check(found).findings if "leak" in f.code}


@settings(max_examples=30)
@given(
    patients=st.lists(st.sampled_from(["p1", "p2", "p3", "NA", ""]), min_size=2, max_size=10),
    pictures=st.lists(st.integers(0, 5), min_size=10, max_size=10),
)
def test_groups_are_the_chains_of_patients_and_near_duplicates(patients, pictures, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chains")
    written(folder, patients, pictures[: len(patients)])
    samples = open_dataset(folder).samples
    groups, _how = groups_of(folder, samples, quiet)
    # by breadth-first search over shared patients and pairs of near duplicates
    beside = defaultdict(set)
    pairs = near_duplicates([fingerprint(s.path) for s in samples]).tolist()
    pairs += [
        (i, j) for i in range(len(patients)) for j in range(i) if patients[i] == patients[j] and patients[i] > "o"
    ]
    for i, j in pairs:
        beside[i].add(j)
        beside[j].add(i)
    for start in range(len(samples)):
        reached, edge = {start}, [start]
        while edge:
            edge = [j for i in edge for j in beside[i] - reached]
            reached |= set(edge)
        assert {i for i, group in enumerate(groups) if group == groups[start]} == reached


def test_one_patient_with_most_images_is_told(tmp_path):
    found = check(open_dataset(written(tmp_path, ["xx"] * 30 + [f"p{i}" for i in range(30)], range(60))))
    (large,) = [f for f in found.findings if f.code == "large-patient"]
    assert large.severity == "warning"
    assert large.examples == ("xx: 30 of 60 images",)


def test_own_histology_tiles_are_split_by_original(tmp_path):
    for original in range(8):
        for number in range(4):
            tile = sibling(original_tile(original), 10 * original + number)
            save(tmp_path / ("lung_aca", "lung_n")[original % 2] / f"{number}-{original}.png", tile)
    found = open_dataset(tmp_path)
    assert found.kind == "class folders"
    by_original = defaultdict(set)
    for sample in found.samples:
        by_original[sample.path.stem.split("-")[1]].add(sample.split)
    assert all(len(splits) == 1 for splits in by_original.values())


def test_groups_of_class_folders_may_be_listed(tmp_path):
    for i in range(60):
        save(tmp_path / ("COVID-19", "Normal")[i % 2] / f"{i}.png", radiograph(i, side=24))
    lines = ["File;Group", *(f"{('COVID-19', 'Normal')[i % 2]}/{i}.png;case{i // 6}" for i in range(60))]
    (tmp_path / "groups.csv").write_text("\n".join(lines))
    found = open_dataset(tmp_path)
    splits = defaultdict(set)
    for sample in found.samples:
        assert sample.group == f"case{int(sample.path.stem) // 6}"
        splits[sample.group].add(sample.split)
    assert all(len(of_group) == 1 for of_group in splits.values())
    assert not found.left_out


def test_a_cache_that_cant_be_written_stops_nothing(tmp_path, monkeypatch):
    folder = written(tmp_path, ["-"] * 8, range(8))
    before = open_dataset(folder)
    (tmp_path / "cache").write_text("a file where a folder is needed")
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))
    assert open_dataset(folder).samples == before.samples
