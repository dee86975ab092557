"""The record of a comparison is declared once: JSON, tables and documentation hold all of it."""

import csv
import importlib.util
import io
import json
from dataclasses import dataclass, fields, make_dataclass, replace
from pathlib import Path
from typing import Annotated

import pytest

from core.compare.figures import Figure, as_dict, cells, columns, from_dict, in_words
from core.compare.record import (
    Agreement,
    ComparisonRecord,
    ExportRecord,
    HeatMapRecord,
    NoveltyRecord,
    Reading,
    failed_record,
    record_of,
)
from core.exports.formats.csv_table import CsvTable

ROOT = Path(__file__).resolve().parents[3]
MODEL_KEYS = [
    "model",
    "model_sha256",
    "card",
    "probabilities",
    "predicted",
    "latency_ms",
    "total_ms",
    "runtime",
    "device",
    "precision",
    "novel",
    "novelty",
    "plausible",
    "cam",
    "brightness",
    "contrast",
]


@pytest.fixture
def record(chest_image, strange_comparison):
    found = record_of(replace(chest_image, notices=("one",)), strange_comparison)
    return from_dict(ComparisonRecord, as_dict(found))  # the fixture has integers where there are floats


def leaves(value):
    """Every value in a JSON document, whatever the record's classes say."""
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    return [" ".join(value) if isinstance(value, list) else value]


def test_json_has_the_keys_of_the_headless_contract_in_their_order(record, chest_path):
    keys = ["path", "image", "task", "teacher", "student", "agreement", "notices", "error"]
    plain = as_dict(record)
    assert list(plain) == list(as_dict(failed_record(chest_path, "x"))) == keys
    assert list(plain["teacher"]) == list(plain["student"]) == MODEL_KEYS
    assert next(iter(plain["teacher"]["cam"])) == "class"
    assert list(plain["agreement"]) == [
        "same_class",
        "js_divergence",
        "cam_pearson",
        "cam_iou20",
        "speed_ratio",
        "size_ratio",
    ]


def test_a_record_comes_back_from_json_as_it_was(record):
    assert from_dict(ComparisonRecord, json.loads(json.dumps(as_dict(record)))) == record
    with pytest.raises(ValueError, match="teacher"):
        from_dict(ComparisonRecord, {**as_dict(record), "teacher": {"model": "x"}})


def test_the_table_holds_every_value_of_the_json(record):
    file = io.StringIO()
    CsvTable(file, "chest-xray").add(
        ExportRecord(record, Reading("Normal", "COVID-19", "agree", "a note", "an impression"))
    )
    (row,) = csv.DictReader(io.StringIO(file.getvalue()))
    plain = ExportRecord(record, Reading("Normal", "COVID-19", "agree", "a note", "an impression")).as_dict()
    written = sorted(str(value) for value in row.values() if value != "")
    assert written == sorted(str(value) for value in leaves(plain) if value not in (None, ""))


def test_a_new_figure_is_added_in_one_place():
    extra = ("entropy", Annotated[float, Figure("spread of the answer", words="entropy {entropy:.1f} bit")])
    more = make_dataclass("More", [extra], bases=(Agreement,), frozen=True)
    found = more(True, 0.1, None, None, 2.0, 3.0, 1.5)
    assert as_dict(found)["entropy"] == 1.5
    assert [column.name for column in columns(more)] == [*(field.name for field in fields(Agreement)), "entropy"]
    assert dict(cells(found))["entropy"] == 1.5
    assert in_words(found, explained="Normal")[-1] == "entropy 1.5 bit"


def test_a_figure_without_a_meaning_is_an_error():
    @dataclass
    class Forgotten:
        entropy: float

    with pytest.raises(TypeError, match=r"Forgotten\.entropy needs a Figure"):
        list(columns(Forgotten))


def test_what_is_not_there_has_no_cell(record):
    bare = replace(record.teacher, novelty=None, novel=None, plausible=None, cam=None)
    missing = {name for name, _ in cells(record.teacher)} - {name for name, _ in cells(bare)}
    expected = {f"novelty_{f.name}" for f in fields(NoveltyRecord)} | {"cam_class", "novel"}
    expected |= {f"cam_{f.name}" for f in fields(HeatMapRecord) if f.name != "class_id"}
    assert missing == expected  # it had no rule for what is plausible


def test_the_documentation_lists_the_columns():
    spec = importlib.util.spec_from_file_location("make_columns", ROOT / "docs" / "make_columns.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.table() in module.PAGE.read_text(encoding="utf-8"), "run python docs/make_columns.py"
