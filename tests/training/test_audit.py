import numpy as np
import pytest

from core.catalogue import read_catalogue
from training.audit import SIDE, audit, border_area, disturbances, hide, write_page


def test_hiding_the_centre_and_the_border_leave_complementary_parts():
    picture = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    outer, inner = hide(picture, centre=True), hide(picture, centre=False)
    kept_outer, kept_inner = outer == picture, inner == picture
    assert (kept_outer ^ kept_inner).mean() > 0.999
    assert kept_outer.mean() == pytest.approx(border_area(), abs=0.001)


@pytest.mark.parametrize("name", disturbances())
@pytest.mark.parametrize("shape", [(SIDE, SIDE), (SIDE, SIDE, 3)])
def test_disturbances_change_a_picture_the_more_the_stronger_and_keep_its_range(name, shape):
    picture = np.random.default_rng(0).random(shape, dtype=np.float32) * 0.8 + 0.1
    _, strengths, disturb = disturbances()[name]
    for strength in strengths[1:]:
        found = disturb(picture, strength)
        assert found.shape == picture.shape
        assert 0 <= found.min() <= found.max() <= 1
        assert np.abs(found - picture).mean() > 0.005


def test_an_audit_of_a_model_beside_itself_is_a_page_with_equal_columns(shared_data, tmp_path):
    student = read_catalogue().bundles["chest-xray/student-ofa595"]
    mine, same = audit([student, student], shared_data / "chest_xray", images=5)
    assert mine.images == 5
    assert mine.wrong_alike in {0.0, 1.0}
    assert (mine.accuracy, mine.centre_hidden, mine.curves) == (same.accuracy, same.centre_hidden, same.curves)
    assert all(len(curve.accuracy) == len(curve.strengths) for curve in mine.curves)
    assert 0 < mine.border_energy < 1
    written = write_page([mine, same], tmp_path).read_text(encoding="utf-8")
    assert "Does distillation hand shortcuts on?" in written
    assert (tmp_path / "curves.png").stat().st_size > 10_000
