"""No file of a data set's folder is left out or taken in silently: each is a sample, a mask, or listed with why."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from dataset_samples import COVID_CLASSES, TILE_STEMS, covid_qu_ex, radiograph, save
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from training.cli.data_check import run_check
from training.data.layouts.layout import MASK, NO_CLASS, NO_SPLIT
from training.data.listing import AGAIN, CLOSED, HIDDEN, OUTPUT
from training.data.loading import DatasetError, open_dataset
from training.data_check.check import check

DOT = (b"\x89PNG\r\n\x1a\n", b"", b"not an image")  # what a file may begin with


def classes(folder, count=2, first=0):
    """Class folders with ``count`` images each, of which no two are alike."""
    for kind, label in enumerate(COVID_CLASSES):
        for number in range(count):
            save(folder / label / f"{number}.png", radiograph(first + 100 * kind + number, side=24))
    return folder


def files_of(folder):
    return {Path(where) / name for where, _folders, names in os.walk(folder) for name in names}


def unaccounted(folder, dataset):
    """Return the files that a data set says nothing about."""
    told = {sample.path for sample in dataset.samples}
    told |= {mask for sample in dataset.samples for mask in sample.masks.values()}
    for out in dataset.left_out:
        told |= files_of(out.path) if out.path.is_dir() else {out.path}
    lists = {file for file in files_of(folder) if file.name in ("manifest.csv", "groups.csv")}
    return files_of(folder) - told - lists


def reasons(dataset):
    counts = Counter()
    for out in dataset.left_out:
        counts[out.reason] += out.files
    return dict(counts)


def test_hidden_and_system_folders_hold_no_samples_and_are_counted(tmp_path):
    classes(tmp_path)
    for where in ("Normal/.ipynb_checkpoints", "Normal/@eaDir/0.png", "__MACOSX/Normal", ".git", "COVID-19/#recycle"):
        save(tmp_path / where / "0-checkpoint.png", radiograph(7, side=24))
    (tmp_path / "Normal" / "._0.png").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "Normal" / "Thumbs.db").write_bytes(b"\xd0\xcf")
    found = open_dataset(tmp_path)
    assert Counter(s.label for s in found.samples) == dict.fromkeys(COVID_CLASSES, 2)
    assert reasons(found) == {HIDDEN: 7}
    assert not unaccounted(tmp_path, found)


LEVELS = [(), ("archive",), ("archive", "archive"), ("a", "b", "c", "d"), ("data", "images"), ("images",)]


@pytest.mark.parametrize("levels", LEVELS)
def test_folders_that_an_archive_adds_are_passed_through(levels, tmp_path):
    inner = classes(tmp_path.joinpath(*levels))
    (tmp_path / "README.txt").write_text("read me")
    found = open_dataset(tmp_path)
    assert found.classes == COVID_CLASSES
    assert found.folder == inner
    assert found.digest() == open_dataset(inner).digest()
    assert not unaccounted(tmp_path, found)


def test_a_manifest_below_a_folder_that_an_archive_adds_is_found(tmp_path):
    save(tmp_path / "set" / "images" / "1.png", radiograph(1))
    (tmp_path / "set" / "Manifest.CSV").write_text("path,label,split\nimages/1.png,Normal,test\n")
    found = open_dataset(tmp_path)
    assert (found.kind, len(found.samples)) == ("manifest", 1)


@pytest.mark.parametrize("inside", ["", "images"])
def test_a_single_folder_of_a_class_is_a_data_set(inside, tmp_path):
    for number in range(3):
        save(tmp_path / "Normal" / inside / f"{number}.png", radiograph(number, side=24))
    found = open_dataset(tmp_path)
    assert [s.label for s in found.samples] == ["Normal"] * 3
    assert "one-class" in {f.code for f in check(found).findings if f.severity == "error"}


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("Train and Validation Set", "Test Set"), {"train", "val", "test"}),
        (("train", "dev", "test"), {"train", "val", "test"}),
        (("Training", "valid", "TESTING"), {"train", "val", "test"}),
        (("train_data", "val-images", "test.set"), {"train", "val", "test"}),
        (("train", "validation"), {"train", "val"}),
        (("test",), {"test"}),
    ],
)
def test_split_folders_go_by_many_names(names, splits, tmp_path):
    for number, name in enumerate(names):
        classes(tmp_path / name, count=12, first=1000 * number)
    found = open_dataset(tmp_path)
    assert {s.split for s in found.samples} == splits
    assert found.classes == COVID_CLASSES
    for sample in found.samples:
        if "test" in sample.path.relative_to(tmp_path).parts[0].lower():
            assert sample.split == "test"


def test_splits_below_the_classes_are_kept(tmp_path):
    for number, (label, split) in enumerate((c, s) for c in COVID_CLASSES for s in ("train", "val", "test")):
        save(tmp_path / label / split / "x.png", radiograph(number, side=24))
    found = open_dataset(tmp_path)
    assert {(s.label, s.split) for s in found.samples} == {(s.path.parts[-3], s.path.parts[-2]) for s in found.samples}
    assert len(found.samples) == 9


def test_images_beside_the_split_folders_or_in_no_class_are_listed(tmp_path):
    for split in ("train", "val", "test"):
        classes(tmp_path / split, first=ord(split[0]))
    save(tmp_path / "chest_xray" / "train" / "Normal" / "9.png", radiograph(9))
    save(tmp_path / "train" / "9.png", radiograph(9))
    save(tmp_path / "train" / "Normal" / "lung masks" / "0.png", radiograph(9))
    save(tmp_path / "train" / "Normal" / "0_mask.png", radiograph(9))
    found = open_dataset(tmp_path)
    assert len(found.samples) == 18
    assert reasons(found) == {NO_SPLIT: 1, NO_CLASS: 1, MASK: 2}
    report = check(found)
    assert report.left_out == reasons(found)
    told = {f.severity: f for f in report.findings if f.code == "left-out"}
    assert set(told) == {"warning", "note"}
    assert "2 files (a mask)" in told["note"].text
    assert "train/Normal/0_mask.png" in told["note"].examples


def test_tiles_by_other_names_and_formats_are_tiles(tmp_path):
    number = 0
    for folder, stem in TILE_STEMS.items():
        for name in (f"{stem}1.png", f"{stem}1 - Copy.jpeg", f"{stem.upper()}2.JPG", "renamed.tif"):
            number += 1
            save(tmp_path / folder / name, radiograph(number, side=24))
    found = open_dataset(tmp_path)
    assert found.kind == "LC25000"
    assert Counter(s.label for s in found.samples) == {folder.split("/")[1]: 4 for folder in TILE_STEMS}
    assert not unaccounted(tmp_path, found)


def test_own_tiles_in_folders_of_the_same_classes_are_not_called_lc25000(tmp_path):
    for number in range(6):
        save(tmp_path / ("lung_aca", "lung_n")[number % 2] / f"case{number}.png", radiograph(number, side=24))
    found = open_dataset(tmp_path)
    assert found.kind == "class folders"
    assert not any(s.known("source") for s in found.samples)


def test_parts_of_covid_qu_ex_without_masks_are_read(tmp_path):
    root = covid_qu_ex(tmp_path, each=1)
    whole = {s.path for s in open_dataset(root).samples}
    removed = [f for f in files_of(root) if "masks" in f.parent.name and "Normal" in f.parts]
    for mask in removed:
        mask.unlink()
    some = open_dataset(root)
    assert {s.path for s in some.samples} == whole, "a class without masks"
    for mask in [f for f in files_of(root) if "masks" in f.parent.name]:
        mask.unlink()
    none = open_dataset(root)
    assert (none.kind, {s.path for s in none.samples}) == ("COVID-QU-Ex", whole)
    assert not unaccounted(root, some)
    assert not unaccounted(root, none)


def test_what_twinlens_wrote_into_the_data_is_no_class(tmp_path):
    classes(tmp_path)
    run = tmp_path / "runs" / "first"
    save(run / "curves.png", radiograph(5))
    (run / "recipe.toml").write_text("task = 'chest-xray'")
    (run / "environment.json").write_text("{}")
    picture = tmp_path / "out" / "0001-x-teacher.png"
    save(picture, radiograph(6))
    picture.with_name("0001-x.json").write_text("{}")
    save(tmp_path / "report" / "student-confusion.png", radiograph(7))
    (tmp_path / "report" / "student.md").write_text("# scores")
    found = open_dataset(tmp_path)
    assert found.classes == COVID_CLASSES
    assert reasons(found)[OUTPUT] == 5
    assert not unaccounted(tmp_path, found)


def test_a_run_written_right_into_the_data_set_hides_none_of_it(tmp_path):
    classes(tmp_path)
    save(tmp_path / "curves.png", radiograph(5))
    for name in ("recipe.toml", "environment.json"):
        (tmp_path / name).write_text("{}")
    found = open_dataset(tmp_path)
    assert len(found.samples) == 6
    assert not unaccounted(tmp_path, found)


def test_pictures_exported_by_this_version_are_told_from_data(tmp_path):
    from core.exports.formats.heat_maps import png

    classes(tmp_path)
    exported = tmp_path / "Normal" / "moved-and-renamed.png"
    exported.write_bytes(png(radiograph(3), {"notice": "research", "image_sha256": "0" * 64}))
    found = open_dataset(tmp_path)
    assert reasons(found) == {OUTPUT: 1}


def test_an_image_of_a_kind_that_is_not_opened_is_reported_as_unreadable(tmp_path):
    classes(tmp_path)
    Image.fromarray(radiograph(8)).save(tmp_path / "Normal" / "animated.gif")
    Image.fromarray(radiograph(8)).save(tmp_path / "Normal" / "no-name", format="GIF")
    (bad,) = [f for f in check(open_dataset(tmp_path)).findings if f.code == "unreadable"]
    assert (bad.severity, bad.count) == ("error", 2)
    assert all("GIF" in line for line in bad.examples)


def test_links_to_folders_are_followed_once(tmp_path):
    elsewhere = classes(tmp_path / "elsewhere")
    data = tmp_path / "data"
    data.mkdir()
    for label in COVID_CLASSES:
        (data / label).symlink_to(elsewhere / label)
    (elsewhere / "Normal" / "again").symlink_to(data)
    found = open_dataset(data)
    assert len(found.samples) == 6
    assert found.classes == COVID_CLASSES
    assert AGAIN in reasons(found)


def test_a_folder_that_cant_be_opened_is_an_error(tmp_path, monkeypatch):
    classes(tmp_path)
    closed, scan = tmp_path / "Normal", os.scandir

    def scandir(path):
        if not isinstance(path, int) and Path(path) == closed:  # shutil hands over open folders by number
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = open_dataset(tmp_path)
    assert reasons(found) == {CLOSED: 1}
    assert "left-out" in {f.code for f in check(found).findings if f.severity == "error"}


def test_names_that_are_no_utf_8_are_reported_readably(tmp_path, capsys):
    classes(tmp_path)
    (tmp_path / os.fsdecode(b"M\xfcller.png")).write_bytes(b"\x89PNG\r\n\x1a\n")
    save(tmp_path / os.fsdecode(b"gr\xfcn") / "1.png", radiograph(9, side=24))
    assert run_check(tmp_path, False, tmp_path / "page.md") == 1
    page = capsys.readouterr().out
    assert "M\\\\xfcller.png" in page
    assert "gr\\\\xfcn: 1 image" in page
    assert (tmp_path / "page.md").read_text(encoding="utf-8") in page
    run_check(tmp_path, True, None)
    assert json.loads(capsys.readouterr().out)["labels"]["gr\udcfcn"] == 1


NAMES = st.sampled_from(
    ["Train", "Test Set", "val", "COVID-19", "Normal", "images", "lung masks", "lung_aca", ".cache", "@eaDir", "masks"]
)
LEAVES = st.sampled_from(["1.png", "lungaca1 - Copy.jpeg", "1_mask.png", "notes.txt", "Thumbs.db", "DICOMDIR", "bare"])


@given(st.sets(st.tuples(st.lists(NAMES, max_size=4), LEAVES).map(lambda t: (*t[0], t[1])), min_size=1, max_size=12))
def test_every_file_of_any_tree_is_accounted_for(tmp_path_factory, paths):
    folder = tmp_path_factory.mktemp("tree")
    for number, parts in enumerate(sorted(paths)):
        file = folder.joinpath(*parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(DOT[number % 3])
    try:
        found = open_dataset(folder)
    except DatasetError as error:
        assert "No data set is recognised here" in str(error)
    else:
        assert not unaccounted(folder, found)
        assert not any(part.startswith((".", "@")) for s in found.samples for part in s.path.relative_to(folder).parts)
