import csv

import numpy as np
import pytest
from PIL import Image

from core.models.catalogue import read_catalogue
from training.audit import views
from training.audit.views import compare_views, table

LABELS = ("COVID-19", "Non-COVID", "Normal")


class CentreReader:
    """Tells the class by the mean brightness of what it is shown."""

    batch_size = 4

    def forward(self, batch):
        mean = batch[:, 0].mean(axis=(1, 2)) * 0.229 + 0.485
        return -np.abs(mean[:, None] - np.array([[0.1, 0.5, 0.9]]))


@pytest.fixture
def framed(tmp_path):
    """Images whose brightness tells the class, in a broad frame of another brightness; adults have none."""
    rows = []
    for i in range(66):
        label, adult = i % 3, i % 2 == 0
        pixels = np.full((100, 100), (0.1, 0.5, 0.9)[label] * 255, np.uint8)
        if not adult:
            pixels[:4] = pixels[-4:] = pixels[:, :4] = pixels[:, -4:] = 255 - pixels[50, 50]
            pixels[20:80, 20:80] = pixels[50, 50]
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        rows.append((f"{i}.png", LABELS[label], "val" if i < 45 else "train", "adult" if adult else "child"))
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label", "split", "population"), *rows])
    return tmp_path


def test_each_view_is_what_it_says_and_groups_are_scored_apart(framed, monkeypatch):
    seen = []

    class Watching(CentreReader):
        def forward(self, batch):
            seen.append(batch.copy())
            return super().forward(batch)

    monkeypatch.setattr(views, "load_runtime", lambda *_: Watching())
    found = compare_views(read_catalogue().bundles["chest-xray/student-ofa595"], framed)
    assert [row.view for row in found] == [
        "whole", "centre, 0.95 of each side", "centre, 0.9 of each side", "centre, 0.85 of each side",
        "blurred, 0.4 pixels", "blurred, 0.7 pixels",
    ]  # fmt: skip
    assert found[0].accuracy == 1
    assert set(found[0].groups) == {"population=adult", "population=child"}
    whole, crop = seen[0], seen[2 * -(-45 // 4)]
    frame = np.abs(whole[3, 0, 0, 112] - whole[3, 0, 112, 112])
    assert frame > 1, "the frame is there in the whole image"
    assert np.abs(crop[3, 0, 0, 112] - crop[3, 0, 112, 112]) < 1e-3, "and cut off at nine tenths"
    assert table(found).splitlines()[2].startswith("| whole | 100.00 % |")
