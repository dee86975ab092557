import codecs

import pytest
from dataset_samples import radiograph, save

from training.data.layouts.manifest import read_manifest
from training.data.loading import DatasetError, open_dataset
from training.data_check.check import check

ROWS = [
    ["path", "label", "split", "patient_id", "group_id", "remark"],
    ["a/1.png", "COVID-19", "train", "p1", "g1", "one, two"],
    ["a/2.png", "Normal", "val", "p2", "g2", ""],
    ["a/3.png", "Normal", "test", "p3", "g3", "x"],
]


def text(rows, delimiter=",", newline="\n"):
    return newline.join(delimiter.join(f'"{c}"' if delimiter in c else c for c in row) for row in rows)


def changed(header=None, splits=("train", "val", "test"), path=str):
    rows = [list(row) for row in ROWS]
    rows[0] = header or rows[0]
    for row, split in zip(rows[1:], splits, strict=True):
        row[0], row[2] = path(row[0]), split
    return rows


@pytest.mark.parametrize(
    "content",
    [
        text(ROWS, ";"),
        text(ROWS, "\t"),
        text(ROWS, "|"),
        text(ROWS, newline="\r\n") + "\r\n,,,,,\r\n\r\n",
        text([[f" {cell} " for cell in row] for row in ROWS]),
        text(changed(["Path", "LABEL", "Split", "Patient ID", "groupId", "remark"])),
        text(changed([" path ", "label", "split", "PatientID", "Group-ID", "remark"])),
        text(changed(splits=("Training", "valid", "Test Set"))),
        text(changed(splits=("TRAIN", "dev", "testing"))),
        text(changed(path=lambda name: name.replace("/", "\\"))),
        "\ufeff" + text(ROWS),
    ],
)  # fmt: skip
def test_a_manifest_reads_the_same_however_it_was_written(content, tmp_path):
    save(tmp_path / "a" / "1.png", radiograph(1))
    path = tmp_path / "manifest.csv"
    path.write_text(text(ROWS), encoding="utf-8")
    plain = read_manifest(path)
    for data in (content.encode(), codecs.BOM_UTF16_LE + content.removeprefix("\ufeff").encode("utf-16-le")):
        path.write_bytes(data)
        assert read_manifest(path) == plain


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (changed(["path", "label", "split", "patient_id", "Patient ID", "remark"]), "'patient_id' twice"),
        (changed(splits=("train", "val", "trial")), "Line 4 .* split 'trial'"),
        (changed(splits=("train", "train val test", "test")), "Line 3"),
    ],
)
def test_what_cant_be_told_is_refused_with_its_line(rows, said, tmp_path):
    (tmp_path / "manifest.csv").write_text(text(rows))
    with pytest.raises(DatasetError, match=said):
        open_dataset(tmp_path)


def test_a_manifest_without_val_gets_one_and_keeps_its_test(tmp_path):
    rows = [f"{i}.png,{('COVID-19', 'Normal')[i % 2]},{'Test' if i % 5 == 0 else 'Train'}" for i in range(60)]
    for i in range(60):
        save(tmp_path / f"{i}.png", radiograph(i, side=24))
    (tmp_path / "manifest.csv").write_text("\n".join(["path,label,split", *rows]))
    found = open_dataset(tmp_path)
    assert {s.path.name for s in found.samples if s.split == "test"} == {f"{i}.png" for i in range(0, 60, 5)}
    assert sum(s.split == "val" for s in found.samples) >= 2
    assert "val made from train" in found.split_made


def test_several_data_sets_are_not_taken_for_classes(tmp_path):
    for name in ("chest", "tiles"):
        save(tmp_path / name / "a" / "1.png", radiograph(1, side=24))
        (tmp_path / name / "manifest.csv").write_text(text(ROWS))
    with pytest.raises(DatasetError, match="lies in chest, but not all images"):
        open_dataset(tmp_path)


def test_images_that_a_manifest_does_not_list_are_told(tmp_path):
    for i in range(4):
        save(tmp_path / "a" / f"{i}.png", radiograph(i, side=24))
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "manifest.csv").write_text(text(ROWS))
    found = open_dataset(tmp_path)
    assert {out.path.name: out.reason for out in found.left_out} == {
        "0.png": "not in the manifest", "notes.txt": "no image",
    }  # fmt: skip
    (told,) = [f for f in check(found).findings if f.code == "left-out" and f.severity == "warning"]
    assert told.examples == ("a/0.png",)
