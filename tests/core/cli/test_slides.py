"""``compare`` on whole slides, in this process: a region, a grid, and what is said where neither is named."""

import json

import pytest
from slide_samples import tissue, write_dicom, write_ome
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import UsageError
from core.images.region import Region


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return write_ome(tmp_path_factory.mktemp("slides") / "a.ome.tif", tissue(800, 600), mpp=2.0)


def compared(*arguments):
    """Return the exit code and the records."""
    done = CliRunner().invoke(app, ["compare", *map(str, arguments), "--json", "--no-history"])
    if isinstance(done.exception, UsageError):
        raise done.exception
    return done.exit_code, json.loads(done.stdout)["images"]


def places(records):
    return [
        Region(*(record["image"][f"region_{name}"] for name in ("x", "y", "width", "height"))) for record in records
    ]


def test_a_region_of_a_slide_is_compared_with_its_heat_maps(slide, tmp_path):
    code, records = compared(slide, "--region", "250,180,300,200", "--csv", tmp_path / "a.csv")
    assert code == 0
    assert places(records) == [Region(250, 180, 300, 200)]
    (record,) = records
    assert (record["task"], record["image"]["width"], record["image"]["height"]) == ("lung-colon", 300, 200)
    assert record["image"]["row_spacing_mm"] == pytest.approx(0.002)
    assert record["teacher"]["cam"] is not None
    assert "x=250,y=180,w=300,h=200" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_a_grid_is_of_tissue_or_of_a_region(slide):
    _code, on_tissue = compared(slide, "--grid", "100", "--cam", "none")
    assert all(region.x >= 150 and region.x + 100 <= 650 for region in places(on_tissue))
    assert 2 <= len(on_tissue) <= 20
    _code, in_region = compared(slide, "--grid", "100", "--region", "0,0,220,130", "--cam", "none")
    assert places(in_region) == [Region(0, 0, 100, 100), Region(100, 0, 100, 100)]


def test_files_of_one_dicom_slide_are_compared_once(tmp_path):
    pytest.importorskip("openslide")
    write_dicom(tmp_path, tissue(500, 400, margin=0))
    code, records = compared(tmp_path, "--region", "0,0,200,200", "--cam", "none")
    assert (code, len(records)) == (0, 1)


def test_a_slide_that_is_too_large_says_how_to_name_a_part(slide, monkeypatch):
    monkeypatch.setattr("core.images.limits.MAX_PIXELS", 100_000)
    code, (record,) = compared(slide)
    assert code == 1
    assert "megapixels" in record["error"]
    assert record["error"].endswith("--region x,y,w,h, or a grid of fields by --grid SIDE.")


@pytest.mark.parametrize("region", ["1,2,3", "a,b,c,d", "0,0,0,10", "0,0,10,-1"])
def test_what_is_no_region_is_wrong_usage(slide, region):
    with pytest.raises(UsageError, match=r"is no region\. Write it as x,y,w,h"):
        compared(slide, "--region", region)
