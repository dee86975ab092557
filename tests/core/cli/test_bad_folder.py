"""A folder with every bad kind of name, header and place at once: nothing wrong is written, and nothing is lost."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pypdf
import pytest
from PIL import Image
from unprivileged import unprivileged

from core.images.reader import find_images
from core.records.history import History

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names or permissions")

NAMES = {  # bytes on disk, and the one spelling
    b"M\xfcller.png": r"M\xfcller.png",  # Latin-1, as an old .zip has it
    b"\x8b\x9e\x93s.png": r"\x8b\x9e\x93s.png",  # Shift JIS
    b"new\nline \x1b[31m.png": r"new\x0aline \x1b[31m.png",
    b"=cmd.png": "=cmd.png",
    "影".encode() * 83 + b".png": "影" * 83 + ".png",  # 253 bytes
}
PERSONS = {  # character set in the header, bytes of the name, and how a report says it
    "japanese": (b"\\ISO 2022 IR 87 ", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "Yamada, Tarou (山田 太郎)"),
    "mislabelled": (b"ISO_IR 192", b"M\xfcller^J\xf6rg ", "M\ufffdller, J\ufffdrg"),
    "unknown": (b"ISO_IR 999", b"Doe^Jane^^Dr.", "Doe, Jane, Dr."),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, chest_path):
    root = tmp_path_factory.mktemp("bad")
    scans = root / "scans" / "Fréd\udce9ric"
    scans.mkdir(parents=True)
    dataset = pydicom.dcmread(chest_path)
    small = np.ascontiguousarray(dataset.pixel_array[::8, ::8])
    dataset.Rows, dataset.Columns = small.shape
    dataset.PixelData = small.tobytes()
    for name, (characters, person, _) in PERSONS.items():
        dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        dataset.PatientName = "Y" * 64
        dataset.save_as(scans / f"{name}.dcm")
        data = (scans / f"{name}.dcm").read_bytes()
        for mark, value in ((rb"\ISO 2022 IR 87 ", characters), (b"Y" * 64, person)):
            data = data.replace(mark, value.ljust(len(mark)))
        (scans / f"{name}.dcm").write_bytes(data)
    for number, name in enumerate(NAMES):
        Image.fromarray((small // 128 + number).astype(np.uint8)).save(root / "picture.png")
        shutil.move(root / "picture.png", os.fsencode(scans) + b"/" + name)
    (scans / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    shutil.copy(chest_path, scans / "private.dcm")
    (scans / "private.dcm").chmod(0)
    (scans / "closed").mkdir()
    shutil.copy(chest_path, scans / "closed" / "inside.dcm")
    (scans / "closed").chmod(0)
    (scans / "loop").symlink_to("loop")
    os.mkfifo(scans / "pipe.png")
    yield root
    (scans / "closed").chmod(0o700)


@pytest.fixture(scope="module")
def answer(folder):
    scans = folder / "scans"
    return subprocess.run(
        [sys.executable, "-m", "core", "compare", scans, "--cam", "none", "--csv", folder / "t.csv", "--jsonl",
         folder / "t.jsonl", "--report", folder / "r.pdf", "--export", scans / "maps", "--dicom", scans / "dicom",
         "--with-identity", "--with-hidden", "--labelled"],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT, preexec_fn=unprivileged,
        env={**os.environ, "TWINLENS_DATA": str(folder / "data")},
    )  # fmt: skip


def test_it_ends_with_what_could_not_be_read_and_no_traceback(answer):
    assert answer.returncode == 1
    assert "4 of 12 images could not be read." in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "Warning" not in answer.stderr
    for name, reason in (
        ("broken.png", "The PNG file's header is damaged"),
        ("private.dcm", "You have no permission"),
        ("closed", "You have no permission"),
        ("loop", "Too many levels of symbolic links"),
    ):
        assert re.search(rf"✗ .*/{re.escape(name)}: .*{reason}", answer.stdout), name
    assert answer.stderr.count("DICOM results can be written for DICOM images only") == len(NAMES)
    assert "\x1b" not in answer.stdout + answer.stderr


def test_all_outputs_hold_all_images_under_one_spelling(folder, answer):
    with (folder / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    records = [json.loads(line) for line in (folder / "t.jsonl").read_text(encoding="utf-8").splitlines()]
    with History(folder / "data" / "history.sqlite") as history:
        kept = [row.path for row in history.find()]
    assert [row["path"] for row in rows] == [record["path"] for record in records]
    assert len(rows) == 12
    good = [record["path"] for record in records if record["error"] is None]
    assert sorted(good) == sorted(kept)
    place = rf"{folder}/scans/Fréd\xe9ric"
    assert {f"{place}/{spelled}" for spelled in NAMES.values()} <= set(good)
    pages = ["".join(page.extract_text().split()) for page in pypdf.PdfReader(folder / "r.pdf").pages]
    assert sum("Signature" in page for page in pages) == len(good)
    for spelled in NAMES.values():
        assert f"{place}/{spelled}" in answer.stdout
        if len(spelled) < 80:  # longer ones are shortened in the middle
            assert any("".join(spelled.split()) in page for page in pages[1:]), spelled
    for number in range(1, len(good) + 1):
        (record,) = (folder / "scans" / "maps").glob(f"{number:04d}*.json")
        assert json.loads(record.read_text(encoding="utf-8"))["path"] == good[number - 1]


def test_names_of_persons_are_said_and_written_whatever_the_header(folder, answer):
    words = " ".join(page.extract_text() for page in pypdf.PdfReader(folder / "r.pdf").pages)
    for _, _, said in PERSONS.values():
        assert f"Patient {said} Patient ID" in " ".join(words.split())
    results = [pydicom.dcmread(path) for path in (folder / "scans" / "dicom").iterdir()]
    assert {result.SpecificCharacterSet for result in results} == {"ISO_IR 192"}
    assert sorted(str(result.PatientName) for result in results) == [
        "Doe^Jane^^Dr.", "M\ufffdller^J\ufffdrg", "Yamada^Tarou=山田^太郎",
    ]  # fmt: skip


def test_what_was_written_into_the_folder_is_not_read_as_an_image(folder, answer):
    scans = folder / "scans"
    assert len(list((scans / "dicom").iterdir())) == len(PERSONS)
    Image.new("L", (9, 9)).save(scans / "maps" / "0001-x-teacher.png")  # no record of ours lies beside it
    found = {path.name for path in find_images([scans / "maps", scans / "dicom"])}
    assert found == {"0001-x-teacher.png"}
