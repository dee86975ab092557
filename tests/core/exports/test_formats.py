import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.compare.record import ExportRecord, Reading, failed_record, record_of
from core.errors import WriteError
from core.explain.rendering import blended, coloured
from core.exports.formats.csv_table import CsvTable, safe_cell
from core.exports.formats.heat_maps import PictureFolder
from core.exports.formats.json_lines import JsonLines


@pytest.fixture
def exported(chest_image, chest_comparison):
    said = replace(
        record_of(replace(chest_image, notices=("one", "two")), chest_comparison), path="=cmd|' /C calc'!A0.dcm"
    )
    return ExportRecord(said, Reading("Normal", "other", "disagree", "+ masses", "Masses."))


@pytest.mark.parametrize("risky", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1"])
def test_a_text_that_a_spreadsheet_would_run_is_neutralised(risky):
    assert safe_cell(risky) == "'" + risky


@pytest.mark.parametrize("harmless", ["scan.png", "a=b", "", -0.5, None, True])
def test_other_cells_stay_as_they_are(harmless):
    assert safe_cell(harmless) is harmless


def test_the_table_holds_all_that_the_record_says(exported):
    file = io.StringIO()
    table = CsvTable(file, "chest-xray")
    table.add(exported)
    table.add(ExportRecord(failed_record(Path("x"), "x: broken")))
    first, second = csv.DictReader(io.StringIO(file.getvalue()))
    assert first["path"] == "'" + exported.record.path
    assert first["image_sha256"] == exported.record.image.sha256
    assert float(first["teacher_p_Non-COVID"]) == exported.record.teacher.probabilities["Non-COVID"]
    assert first["student_model_sha256"] == exported.record.student.model_sha256
    assert float(first["student_cam_estimated_error"]) == 0.015
    assert float(first["cam_pearson"]) == exported.record.agreement.cam_pearson < 0
    assert first["notices"] == "one two"
    said = [first[name] for name in ("label", "reading", "verdict", "note", "impression")]
    assert said == ["Normal", "other", "disagree", "'+ masses", "Masses."]
    assert second["error"] == "x: broken"
    assert second["teacher_predicted"] == ""


def test_the_table_says_of_each_model_what_the_report_says(exported, chest_image, chest_comparison):
    file = io.StringIO()
    CsvTable(file, None).add(exported)
    (row,) = csv.DictReader(io.StringIO(file.getvalue()))
    assert row["image_modality"] == chest_image.modality
    assert (float(row["image_shown_low"]), float(row["image_shown_high"])) == chest_image.display_window()
    for side in ("teacher", "student"):
        card = getattr(chest_comparison, side).bundle.card
        scores = card.scores[0]
        assert float(row[f"{side}_test_accuracy"]) == scores.accuracy
        assert int(row[f"{side}_test_images"]) == scores.images
        assert row[f"{side}_test_caution"] == scores.caution
        assert float(row[f"{side}_temperature"]) == card.temperature
        assert int(row[f"{side}_parameters"]) == card.parameters
        assert row[f"{side}_made_on"] == str(card.training.made_on)
        assert "224 × 224 pixels" in row[f"{side}_preprocessing"]
    assert row.keys() >= {"teacher_plausible", "student_novelty_reason"}
    assert None not in row


def test_json_lines_are_the_records_with_the_notice(exported):
    file = io.StringIO()
    lines = JsonLines(file)
    lines.add(exported)
    lines.add(exported)
    first, second = map(json.loads, file.getvalue().splitlines())
    assert first == second == {**exported.as_dict(), "notice": "For research use only. Not for diagnosis."}


def test_maps_and_overlays_come_back_as_they_were(tmp_path, chest_image, chest_comparison, exported):
    small = replace(chest_image, pixels=chest_image.pixels[::8, ::8])
    files = {p.name: p for p in PictureFolder(tmp_path / "out").add(small, chest_comparison, exported)}
    assert {p.name for p in (tmp_path / "out").iterdir()} == files.keys()
    assert json.loads(files["0001-RG1_UNCR.json"].read_text(encoding="utf-8"))["path"] == exported.record.path
    for side, answer in (("teacher", chest_comparison.teacher), ("student", chest_comparison.student)):
        raw = np.load(files[f"0001-RG1_UNCR-{side}.npy"], allow_pickle=False)
        assert raw.dtype == np.float32
        np.testing.assert_array_equal(raw, answer.heat_map.values)
        with Image.open(files[f"0001-RG1_UNCR-{side}.tiff"]) as tiff:
            assert tiff.mode == "F"
            np.testing.assert_array_equal(np.asarray(tiff), answer.heat_map.values)
            about = json.loads(tiff.tag_v2[270])
        assert about["cam"]["class"] == "Non-COVID"
        assert about["model"] == answer.bundle.id
        with Image.open(files[f"0001-RG1_UNCR-{side}.png"]) as png:
            pixels = np.asarray(png)
            assert "Not for diagnosis" in png.text["Description"]
        wanted = blended(small.displayed(), coloured(answer.heat_map.resized(small.height, small.width), "inferno"))
        np.testing.assert_array_equal(pixels, wanted)
        with Image.open(files[f"0001-RG1_UNCR-{side}-legend.png"]) as legend:
            assert legend.height > png.height
            assert legend.width >= 560


def test_hidden_names_are_in_no_file(tmp_path, chest_image, chest_comparison, exported):
    small = replace(chest_image, pixels=chest_image.pixels[::8, ::8])
    files = PictureFolder(tmp_path, hide_names=True).add(
        small, chest_comparison, replace(exported, record=replace(exported.record, path="Image 1"))
    )
    assert all(p.name.startswith("0001-") or p.name == "0001.json" for p in files)
    assert not any(b"RG1_UNCR" in p.read_bytes() or "RG1" in p.name for p in files)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError, match="file"):
        PictureFolder(tmp_path / "file" / "out")
