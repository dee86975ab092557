from dataclasses import replace

import pytest

from core.benchmarks.folder import BOTH, MAPS, STUDENT, folder_speed
from core.errors import TwinlensError
from core.models.catalogue import read_catalogue
from tests.tiny_models import TINY, installed, write_images


@pytest.fixture(scope="module", autouse=True)
def tiny_models(tmp_path_factory):
    with installed(tmp_path_factory.mktemp("data")):
        yield


def test_a_folder_is_timed_from_files_to_what_is_written(tmp_path):
    paths = write_images(tmp_path, 11)
    rows = list(folder_speed(read_catalogue(), paths, TINY))
    assert [row.what for row in rows] == [STUDENT, BOTH, MAPS]
    for row in rows:
        assert row.images == 11
        assert 0 <= row.outside <= 1
        assert len(row.seconds) == 5
        assert row.images_per_s == pytest.approx(11 / sum(row.seconds), rel=0.5)
        assert row.processor_ms > 0
        assert row.peak_mib > 50


def test_a_file_that_can_not_be_compared_is_told(tmp_path):
    paths = write_images(tmp_path, 3)
    paths[2].write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    with pytest.raises(TwinlensError, match="damaged"):
        list(folder_speed(read_catalogue(), paths, replace(TINY, cam="none")))
