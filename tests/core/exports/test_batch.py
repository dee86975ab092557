"""All outputs of ``compare`` at once, through the door that scripts use."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest
from pydicom.data import get_testdata_file
from typer.testing import CliRunner

from core.cli.app import app
from core.compare.record import failed_record, record_of
from core.compare.session import Compared
from core.errors import UsageError, WriteError
from core.exports.batch import Outputs
from core.exports.format import Wanted
from core.records.history import History

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def written(tmp_path_factory, chest_path):
    folder = tmp_path_factory.mktemp("outputs")
    for label in ("Normal", "COVID-19"):
        (folder / "scans" / label).mkdir(parents=True)
        shutil.copy(chest_path, folder / "scans" / label / "Jane Doe.dcm")
    (folder / "scans" / "Normal" / "Jane broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    answer = subprocess.run(
        [sys.executable, "-m", "core", "compare", folder / "scans", "--cam", "none", "--report", folder / "r.pdf",
         "--csv", folder / "t.csv", "--jsonl", folder / "t.jsonl", "--export", folder / "maps", "--dicom",
         folder / "dicom", "--hide-names", "--labelled", "--impression", "Seen by A & B."],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        env={**os.environ, "TWINLENS_DATA": str(folder / "data")},
    )  # fmt: skip
    return folder, answer


def test_all_of_them_tell_the_same(written):
    folder, answer = written
    assert answer.returncode == 1, answer.stderr
    assert "1 of 3 images could not be read" in answer.stderr
    rows = list(csv.DictReader((folder / "t.csv").read_text(encoding="utf-8").splitlines()))
    records = [json.loads(line) for line in (folder / "t.jsonl").read_text(encoding="utf-8").splitlines()]
    pages = [page.extract_text() for page in pypdf.PdfReader(folder / "r.pdf").pages]
    with History(folder / "data" / "history.sqlite") as history:
        kept = list(history.find())
    judged = [record for record in records if record["error"] is None]
    assert (len(rows), len(records), len(judged), len(kept), len(pages)) == (3, 3, 2, 2, 4)
    for row, record in zip(rows, records, strict=True):
        assert row["teacher_predicted"] == (record["teacher"] or {"predicted": ""})["predicted"]
    assert {k.image_sha256 for k in kept} == {record["image"]["sha256"] for record in judged}
    assert "Seen by A & B." in pages[1]
    assert len(list((folder / "dicom").glob("*-report.dcm"))) == 1  # both are one image
    assert sorted(p.name for p in (folder / "maps").iterdir()) == ["0001.json", "0002.json"]


def test_labelled_folders_give_scores_with_intervals(written):
    folder, answer = written
    assert "2 of 2 images labelled, with 95 % intervals" in answer.stderr
    summary = pypdf.PdfReader(folder / "r.pdf").pages[0].extract_text()
    assert "Against the labels of 2 images" in summary
    assert "50.0 %" in summary
    for text in (answer.stderr, summary):
        assert "nly 2 images were scored: too few to compare models by" in text


def test_hidden_names_are_in_none_of_the_files(written):
    folder, _ = written
    files = [p for p in folder.rglob("*") if p.is_file() and "scans" not in p.parts]
    assert len(files) >= 7
    for path in files:
        assert b"Jane" not in path.read_bytes(), path


def test_dicom_results_of_other_images_are_refused_at_the_end(tmp_path, chest_path):
    from PIL import Image

    Image.new("L", (64, 64), 99).save(tmp_path / "a.png")
    answer = subprocess.run(
        [sys.executable, "-m", "core", "compare", tmp_path / "a.png", "--cam", "none", "--no-history", "--dicom",
         tmp_path / "dicom"],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        env={**os.environ, "TWINLENS_DATA": str(tmp_path / "data")},
    )  # fmt: skip
    assert answer.returncode == 1
    assert "for DICOM images only" in answer.stderr
    assert answer.stdout.count("Not assessable") == 2  # it is blank
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("with_hidden", [False, True])
def test_predictions_for_an_image_that_is_not_assessable_are_hidden(tmp_path, with_hidden):
    leg = get_testdata_file("RG3_UNCR.dcm")
    answer = subprocess.run(
        [sys.executable, "-m", "core", "compare", leg, "--no-history", "--report", tmp_path / "r.pdf", "--export",
         tmp_path / "maps", "--dicom", tmp_path / "dicom", *(["--with-hidden"] if with_hidden else [])],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("Not assessable: outside the training data. The layout") == 2
    page, _appendix = pypdf.PdfReader(tmp_path / "r.pdf").pages
    words = page.extract_text()
    assert words.count("Not assessable") == 2
    files = {path.name for folder in ("maps", "dicom") for path in (tmp_path / folder).iterdir()}
    if with_hidden:
        assert len(re.findall(r"Normal \d\d\.\d %", answer.stdout)) == 2
        assert re.search(r"Not to be relied on · (Agree|Disagree): ", words)
        assert len(files) == 1 + 8 + 5
    else:
        assert "%" not in answer.stdout
        assert "No comparison" in words
        assert files == {"0001-RG3_UNCR.json", next(name for name in files if name.endswith("-report.dcm"))}


def test_a_history_that_cannot_be_kept_does_not_stop_the_comparison(tmp_path, chest_path):
    (tmp_path / "data").write_text("a file where the folder should be")
    answer = subprocess.run(
        [sys.executable, "-m", "core", "compare", chest_path, "--cam", "none"],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        env={**os.environ, "TWINLENS_DATA": str(tmp_path / "data")},
    )  # fmt: skip
    assert answer.returncode == 0
    assert "No history is kept" in answer.stderr


@pytest.fixture
def compared(chest_image, chest_comparison):
    return Compared(record_of(chest_image, chest_comparison), chest_image, chest_comparison)


def test_an_output_that_cannot_be_written_any_more_is_left_out_and_the_others_go_on(tmp_path, compared, chest_image):
    wanted = Wanted({"csv": tmp_path / "t.csv", "report": tmp_path / "r.pdf", "maps": tmp_path / "maps",
                     "dicom": tmp_path / "dicom"})  # fmt: skip
    with Outputs(wanted) as outputs:
        outputs.add(compared)
        shutil.rmtree(tmp_path / "maps")  # a drive is taken away
        (tmp_path / "maps").write_text("")
        for _ in range(2):
            outputs.add(compared)
        outputs.add(Compared(failed_record(chest_image.path, "Damaged.")))
        assert outputs.is_going
    assert outputs.failed
    (lost,) = outputs.lost
    assert lost.path.parent == tmp_path / "maps"
    assert [remark for remark in outputs.remarks if "maps" in remark] == [f"Not written: {lost}"]
    assert len((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()) == 5
    assert len(pypdf.PdfReader(tmp_path / "r.pdf").pages) == 5
    assert len(list((tmp_path / "dicom").iterdir())) == 5


def test_a_table_that_fills_the_disk_costs_the_report_nothing(tmp_path, compared, chest_image):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Outputs(Wanted({"jsonl": tmp_path / "t.jsonl", "report": tmp_path / "r.pdf"})) as outputs:
        outputs.add(compared)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
        try:
            outputs.add(Compared(failed_record(chest_image.path, "long " * 100_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["r.pdf"]
    assert "t.jsonl: The disk takes no file as large" in str(outputs.lost[0])
    assert len(pypdf.PdfReader(tmp_path / "r.pdf").pages) == 3


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(WriteError, match="a file is in its place") as caught,
        Outputs(Wanted({"csv": tmp_path / "t.csv", "maps": tmp_path / "file" / "maps"})),
    ):
        pass
    assert caught.value.path == tmp_path / "file" / "maps"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("wrong", "message"), [("spreadsheet=x", "no export format 'spreadsheet'"), ("csv", "names no format and place")]
)
def test_a_format_that_there_is_not_is_wrong_usage(chest_path, wrong, message):
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(app, ["compare", str(chest_path), "--no-history", "--write", wrong], catch_exceptions=False)
