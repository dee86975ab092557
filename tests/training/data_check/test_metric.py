import re

import pytest
from dataset_samples import covid_qu_ex, radiograph, save

from training.data.loading import open_dataset
from training.data_check.check import check

# as published, by cluster
PUBLISHED = {
    "Measurement process": ["Device error", "Human-induced error", "Completeness", "Source credibility"],
    "Timeliness": ["Timeliness"],
    "Representativeness": ["Variety", "Depth of data", "Target class balance"],
    "Informativeness": ["Understandability", "Redundancy", "Informative missingness", "Feature importance"],
    "Consistency": ["Rule-based consistency", "Logical consistency", "Distribution consistency"],
}


@pytest.fixture(scope="module")
def flawed(tmp_path_factory):
    """12 images: a source that only one class lacks, one picture under two labels, a patient in two splits."""
    folder = tmp_path_factory.mktemp("flawed")
    lines = ["path,label,split,patient_id,source"]
    for number in range(12):
        name, label = f"{number}.png", ("COVID-19", "Normal")[number % 2]
        save(folder / name, radiograph(number if number != 11 else 10))
        patient = "p0" if number == 4 else f"p{number}"
        source = "clinic" if label == "Normal" or number < 4 else "unknown"
        lines.append(f"{name},{label},{('train', 'train', 'val', 'test')[number // 2 % 4]},{patient},{source}")
    (folder / "manifest.csv").write_text("\n".join(lines))
    return check(open_dataset(folder))


def test_the_dimensions_are_the_published_ones(flawed):
    found = {}
    for one in flawed.metric:
        found.setdefault(one.cluster, []).append(one.name)
    assert found == PUBLISHED
    assert sum(map(len, PUBLISHED.values())) == 15


def test_planted_flaws_are_in_their_dimensions(flawed):
    text = {one.name: one.text for one in flawed.metric}
    assert text["Human-induced error"].startswith("1 sets of the same file and 0 of nearly the same picture have diff")
    assert text["Informative missingness"] == "source is missing in COVID-19 66.7 %, Normal 0.0 %."
    assert "source of 66.7 %" in text["Completeness"]
    assert "patient_id of 100.0 %" in text["Completeness"]
    assert "Images by source: clinic 8." in text["Source credibility"]
    assert "11 patients with 1.1 images each; groups are not known" in text["Depth of data"]
    assert text["Target class balance"].startswith("COVID-19 6 (50.0 %), Normal 6 (50.0 %)")
    assert "1 sets of the same file" in text["Redundancy"]
    assert "0 groups and 1 patients lie in several splits" in text["Logical consistency"]
    assert "at most 0.0 percentage points" in text["Distribution consistency"]


def test_what_files_can_not_tell_is_said_to_be_unknown(tmp_path):
    report = check(open_dataset(covid_qu_ex(tmp_path)))
    states = {one.name: one.state for one in report.metric}
    for name in ("Device error", "Timeliness"):
        assert states[name] == "not known"
    for one in report.metric:
        if one.state == "in part":
            assert re.search(r"not (known|stated)", one.text), one.name
    assert "Masks: " in next(one.text for one in report.metric if one.name == "Completeness")


def test_page_and_json_have_them(flawed):
    page = flawed.as_markdown()
    rows = re.search(r"## Data quality \(METRIC-framework\)\n\n(.*)", page, re.DOTALL)[1].splitlines()
    assert len(rows) == 2 + 15
    assert [row["name"] for row in flawed.as_dict()["metric"]] == [
        name for names in PUBLISHED.values() for name in names
    ]
