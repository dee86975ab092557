import json
import subprocess
import sys

import numpy as np
import pytest
from dataset_samples import covid_qu_ex, original_tile, radiograph, save, sibling

from training.data.dataset import Dataset, Sample
from training.data.fingerprints import fingerprint
from training.data.loading import open_dataset
from training.data.parallel import spread
from training.data_check.check import check
from training.data_check.findings import sibling_findings


def codes(report):
    return {finding.code: finding for finding in report.findings}


def manifest(folder, rows):
    """Write rows of path, label, split, group_id, patient_id."""
    lines = ["path,label,split,group_id,patient_id", *(",".join(row) for row in rows)]
    (folder / "manifest.csv").write_text("\n".join(lines))


def clean_rows(folder, count=12):
    rows = []
    for number in range(count):
        name, split = f"{number}.png", ("train", "train", "val", "test")[number // 2 % 4]
        save(folder / name, radiograph(number))
        rows.append([name, ("COVID-19", "Normal")[number % 2], split, f"g{number}", f"p{number}"])
    return rows


def test_a_clean_set_has_no_errors(tmp_path):
    found = check(open_dataset(covid_qu_ex(tmp_path)))
    assert not found.has_errors
    assert found.images == 18
    assert found.classes["Normal"] == {"train": 2, "val": 2, "test": 2}
    assert found.masks == {"infection": 9, "lung": 18}
    assert [f.code for f in found.findings] == [
        "few-training", "few-validation", "no-patients", "left-out", "left-out"
    ]  # fmt: skip
    assert found.left_out == {"a mask": 9, "the same image as in the lung part of COVID-QU-Ex": 9}


def test_too_few_images_are_a_warning_that_says_what_it_means(tmp_path):
    rows = clean_rows(tmp_path)
    manifest(tmp_path, rows)
    found = codes(check(open_dataset(tmp_path)))
    assert found["few-training"].severity == found["few-validation"].severity == "warning"
    assert found["few-training"].examples == ("COVID-19: 4 images", "Normal: 4 images")
    assert found["few-validation"].text.startswith("Only 2 validation images: an accuracy of 90 % is known to ± ")


def test_an_empty_file_in_a_folder_tree_is_reported_and_not_passed_over(tmp_path):
    root = covid_qu_ex(tmp_path, each=1)
    folder = root / "Lung Segmentation Data" / "Lung Segmentation Data" / "Train" / "Normal" / "images"
    (folder / "empty.png").touch()
    (folder / "._normal_1.png").touch()
    (found,) = [f for f in check(open_dataset(root)).findings if f.severity == "error"]
    assert (found.code, found.count) == ("unreadable", 1)
    assert "empty.png: The file is empty." in found.examples[0]


def test_many_files_are_read_in_processes_in_their_order(tmp_path):
    paths = [save(tmp_path / f"{number}.png", radiograph(number, side=16)) for number in range(40)]
    paths[7] = tmp_path / "missing.png"
    seen = []
    found = spread("Reading", fingerprint, paths, lambda *step: seen.append(step), processes=2)
    assert [getattr(f, "sha256", f) for f in found] == [getattr(f, "sha256", f) for f in map(fingerprint, paths)]
    assert seen[-1] == ("Reading", 40, 40)


def test_each_fault_is_found_with_its_files(tmp_path):
    rows = clean_rows(tmp_path)
    save(tmp_path / "leak.png", radiograph(0))  # 0.png is in train
    save(tmp_path / "turned.png", np.ascontiguousarray(np.rot90(radiograph(1))))  # 1.png is a b
    save(tmp_path / "again.png", radiograph(2))
    (tmp_path / "cut.png").write_bytes((tmp_path / "3.png").read_bytes()[:300])
    rows += [
        ["leak.png", "COVID-19", "test", "g20", "p20"],
        ["turned.png", "COVID-19", "train", "g21", "p21"],
        ["again.png", "COVID-19", "train", "g22", "p22"],
        ["cut.png", "COVID-19", "train", "g23", "p23"],
        ["gone.png", "COVID-19", "train", "g24", "p24"],
    ]
    rows[5][3] = "g0"  # val, while 0.png of g0 is in train
    rows[7][4] = "p2"  # test, while 2.png of p2 is in train
    manifest(tmp_path, rows)
    found = codes(check(open_dataset(tmp_path)))
    errors = {code for code, finding in found.items() if finding.severity == "error"}
    assert errors == {"unreadable", "group-leak", "patient-leak", "duplicate-leak", "near-duplicate-contradiction"}
    assert found["unreadable"].count == 2
    assert "cut.png: " in found["unreadable"].examples[0]
    assert "no such file" in found["unreadable"].examples[1]
    assert found["group-leak"].examples == ("g0: 1 train, 1 val",)
    assert found["patient-leak"].examples == ("p2: 1 test, 1 train",)
    assert found["duplicate-leak"].examples == ("0.png (COVID-19, train) = leak.png (COVID-19, test)",)
    assert "turned.png (COVID-19, train)" in found["near-duplicate-contradiction"].examples[0]
    assert found["duplicate-repeat"].severity == "warning"


def test_a_random_split_of_augmented_siblings_is_flagged_and_one_by_original_is_not(tmp_path):
    rows = []
    for original in range(8):
        for number in range(4):
            name = f"tile{original}-{number}.png"
            save(tmp_path / name, sibling(original_tile(original), 10 * original + number))
            rows.append([name, ("lung_aca", "lung_n")[original % 2], "", "", ""])
    shuffled = np.random.default_rng(0).permutation(["train"] * 20 + ["val"] * 6 + ["test"] * 6)
    for row, split in zip(rows, shuffled, strict=True):
        row[2] = str(split)
    manifest(tmp_path, rows)
    leak = codes(check(open_dataset(tmp_path)))["sibling-leak"]
    assert leak.severity == "error"
    assert leak.count >= 7
    for number, row in enumerate(rows):
        row[2] = ("train", "train", "train", "train", "val", "val", "test", "test")[number // 4]
        row[3] = f"original {number // 4}"
    manifest(tmp_path, rows)
    by_original = check(open_dataset(tmp_path))
    assert not by_original.has_errors
    assert codes(by_original)["sibling-agreement"].text.count("100.0 %") == 2


def test_a_few_siblings_across_splits_are_a_warning_and_the_agreement_is_by_pairs(tmp_path):
    # 40 tiles in tens; two of the second ten are found to fit the first, which lies in another split
    given = [i // 10 for i in range(40)]
    found = [0 if i in (10, 11) else group for i, group in enumerate(given)]
    samples = [
        Sample(tmp_path / f"{i}", "a", "test" if g else "train", {"group_id": f"g{g}"}) for i, g in enumerate(given)
    ]
    leak, agreement = sibling_findings(Dataset(tmp_path, "manifest", samples, ""), found)
    assert leak.severity == "error", "12 of 40 images"
    both, in_found, in_given = 45 + 1 + 28 + 45 + 45, 66 + 28 + 45 + 45, 4 * 45
    assert f"{100 * both / in_found:.1f} % have" in agreement.text
    assert f"{100 * both / in_given:.1f} % were found" in agreement.text
    many = samples + [Sample(tmp_path / f"more{i}", "a", "train", {}) for i in range(400)]
    (few, *_rest) = sibling_findings(Dataset(tmp_path, "manifest", many, ""), [*found, *range(100, 500)])
    assert few.severity == "warning"


def test_source_format_size_and_brightness_that_give_the_class_away(tmp_path):
    lines = ["path,label,split,source"]
    for number in range(24):
        label, split = "ab"[number % 2], ("train", "val", "test")[number // 2 % 3]
        bright = radiograph(number, side=96 if label == "a" else 160) // 2 + (100 if label == "a" else 0)
        name = f"{number}.{'png' if label == 'a' else 'jpg'}"
        save(tmp_path / name, bright)
        lines.append(f"{name},{label},{split},hospital {label}")
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    found = check(open_dataset(tmp_path))
    assert {"source-bias", "format-bias", "size-bias", "brightness-bias"} <= codes(found).keys()
    assert "100.0 %" in codes(found)["source-bias"].text
    (look,) = [look for look in found.looks if look.value == "a"]
    assert (look.width, look.height, look.formats) == (96, 96, {"PNG": 12})
    assert look.brightness == pytest.approx(100 + 127 / 2, abs=6)


def test_what_the_progress_raises_stops_the_check(tmp_path):
    manifest(tmp_path, clean_rows(tmp_path))
    seen = []

    def stop(what, done, total):
        seen.append((what, done, total))
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(open_dataset(tmp_path), stop)
    assert seen == [("Reading", 1, 12), ("Reading", 2, 12), ("Reading", 3, 12)]


def command(*arguments):
    line = [sys.executable, "-m", "training", "check-data", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, encoding="utf-8", check=False)


def test_the_command_reports_and_its_exit_code_says_whether_there_are_errors(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = clean_rows(data)
    manifest(data, rows)
    clean = command(data, "--json", "--report", tmp_path / "report.md")
    assert clean.returncode == 0, clean.stderr
    assert json.loads(clean.stdout)["images"] == 12
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| COVID-19 | 4 | 1 | 1 | 6 |" in page
    rows[3][2] = "test"
    manifest(data, [*rows, ["3.png", "COVID-19", "test", "g3", "p3"]])
    faulty = command(data)
    assert faulty.returncode == 1
    assert "**error**: 1 set of images that are the same file, under different labels." in faulty.stdout


@pytest.mark.parametrize("arguments", [["missing"], [".", "--report", "missing/report.md"]])
def test_wrong_usage_ends_with_2(arguments, tmp_path):
    assert command(*(tmp_path / a if "missing" in a or a == "." else a for a in arguments)).returncode == 2


def test_a_folder_that_is_no_data_set_is_refused_in_one_line(tmp_path):
    answer = command(tmp_path)
    assert answer.returncode == 1
    assert "No data set is recognised here" in answer.stderr
    assert "Traceback" not in answer.stderr
