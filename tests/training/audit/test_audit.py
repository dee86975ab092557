import cv2
import numpy as np
import pydicom
import pydicom.pixels
import pytest

from core.models.catalogue import read_catalogue
from training.audit.audit import BORDER_ONLY, LUNGS_HIDDEN, LUNGS_ONLY, PLAIN, UNMARKED, audit, changes, look
from training.audit.page import repeats, write_page
from training.data.dataset import Sample
from training.data.perturbations import SIDE, disturbances, hide, markers, without_markers
from training.data.regions import BORDER, border, usual_lungs
from training.evaluation.clustered_bootstrap import figure


def radiograph(seed=0):
    """A smooth grey picture, darker in the middle of each half, without a sharp edge."""
    noise = np.random.default_rng(seed).random((20, 20), dtype=np.float32)
    return np.clip(0.3 + 0.2 * cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 1)


def lettered(picture, text, at):
    """The picture with bright text on it."""
    drawn = cv2.putText(np.zeros((SIDE, SIDE), np.uint8), text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
    share = drawn.astype(np.float32) / 255
    return (1 - share) * picture + share * np.float32(0.95)


def test_hiding_a_part_leaves_the_rest_and_tells_nothing_of_what_was_there():
    picture = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    for mask in (border(SIDE), usual_lungs(SIDE)):
        found = hide(picture, mask)
        assert (found[~mask] == picture[~mask]).all()
        assert np.ptp(found[mask]) == 0
    assert border(SIDE).mean() == pytest.approx(1 - (1 - 2 * BORDER) ** 2, abs=0.001)


def test_the_lungs_that_stand_in_lie_on_both_sides_and_leave_the_border():
    lungs = usual_lungs(SIDE)
    assert 0.3 < lungs.mean() < 0.4
    assert lungs[:, : SIDE // 2].sum() == pytest.approx(lungs[:, SIDE // 2 :].sum(), rel=0.03)
    assert not lungs[:, SIDE // 2].any()


@pytest.mark.parametrize("text", ["R", "PORT", "L 12"])
@pytest.mark.parametrize("at", [(8, 30), (100, 215)])
def test_letters_near_an_edge_are_erased_and_nothing_else(text, at):
    plain = radiograph()
    marked = lettered(plain, text, at)
    letters = marked > plain + 0.3
    assert markers(marked)[letters].mean() > 0.95
    assert markers(marked).mean() < 0.05
    erased = without_markers(marked)
    assert np.abs(erased - plain)[letters].mean() < 0.1
    assert (erased == marked)[~markers(marked)].all()
    assert not markers(plain).any()
    elsewhere = without_markers(marked, mirrored=True)
    assert (elsewhere == marked)[letters & ~markers(marked)[:, ::-1]].all()


def test_a_letter_in_the_middle_stays():
    marked = lettered(radiograph(), "R", (105, 115))
    assert without_markers(marked) is marked


BOTH = {"JPEG", "gamma", "blur", "rotation", "burnt-in text"}


@pytest.mark.parametrize(
    ("colour", "others"), [(False, {"corners erased", "narrower window", "inverted"}), (True, {"saturation"})]
)
def test_disturbances_change_a_picture_the_more_the_stronger_and_keep_its_range(colour, others):
    known = {one.name: one for one in disturbances(colour=colour)}
    assert set(known) == BOTH | others
    shape = (SIDE, SIDE, 3) if colour else (SIDE, SIDE)
    picture = np.random.default_rng(0).random(shape, dtype=np.float32) * 0.8 + 0.1
    for name, one in known.items():
        for strength in one.strengths[1:]:
            found = one.apply(picture, strength)
            assert found.shape == picture.shape
            assert found.dtype == np.float32
            assert -1e-6 <= found.min() <= found.max() <= 1 + 1e-6
            assert np.abs(found - picture).mean() > (0.001 if name == "burnt-in text" else 0.005), name


def test_a_narrower_window_is_that_of_dicom_and_text_is_in_its_corner():
    known = {one.name: one for one in disturbances(colour=False)}
    ramp = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    stored = np.rint(ramp * 65535).astype(np.uint16)
    file = pydicom.Dataset()
    file.WindowCenter, file.WindowWidth, file.VOILUTFunction = 32767.5, 65535 * 0.8, "LINEAR_EXACT"
    file.BitsStored, file.PixelRepresentation, file.PhotometricInterpretation = 16, 0, "MONOCHROME2"
    shown = pydicom.pixels.apply_windowing(stored, file) / 65535
    assert known["narrower window"].apply(ramp, 0.8) == pytest.approx(shown, abs=1e-4)
    assert (known["inverted"].apply(ramp, 1) == 1 - ramp).all()
    grey = np.full((SIDE, SIDE), 0.4, np.float32)
    changed = known["burnt-in text"].apply(grey, 0.1) > 0.4
    assert changed[: SIDE // 2].any()
    assert not changed[SIDE // 2 :].any()


def test_outlined_lungs_are_hidden_where_the_data_set_outlines_them(tmp_path):
    lung = np.zeros((64, 64), np.uint8)
    lung[16:32, 16:32] = 255
    for name, pixels in (("image", np.full((64, 64), 90, np.uint8)), ("lung", lung), ("infection", lung // 2 * 0)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), pixels)
    masks = {name: tmp_path / f"{name}.png" for name in ("lung", "infection")}
    pictures = look([Sample(tmp_path / "image.png", "a", "test", {}, masks)], ("a", "b"), colour=False)
    assert pictures.lungs_outlined
    assert pictures.masks["lung"][0].mean() == pytest.approx(1 / 16, abs=0.01)
    assert not pictures.masks["infection"][0].any()
    ramp = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(SIDE, SIDE)
    hidden, left = (changes(pictures)[name](ramp, 0) for name in (LUNGS_HIDDEN, LUNGS_ONLY))
    assert (hidden == ramp).mean() == pytest.approx(15 / 16, abs=0.01)
    assert (left == ramp).mean() == pytest.approx(1 / 16, abs=0.01)
    assert not look([Sample(tmp_path / "image.png", "a", "test", {})], ("a", "b"), colour=False).lungs_outlined
    assert "lung" in look([Sample(tmp_path / "image.png", "a", "test", {})], ("a", "b"), colour=False, chest=True).masks
    assert "lung" not in look([Sample(tmp_path / "image.png", "a", "test", {})], ("a", "b"), colour=False).masks


def test_intervals_widen_where_images_of_one_patient_err_together():
    right = np.repeat(np.random.default_rng(0).random(50) < 0.8, 8)
    alone, together = figure(right, np.arange(400)), figure(right, np.repeat(np.arange(50), 8))
    assert alone.mean == together.mean == right.mean()
    assert alone.low <= alone.mean <= alone.high
    assert (together.high - together.low) > 2 * (alone.high - alone.low)
    # the usual interval of a share, where images are independent
    expected = 2 * 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 400)
    assert alone.high - alone.low == pytest.approx(expected, rel=0.15)


def test_errors_are_repeated_by_a_copy_always_and_by_an_independent_model_as_chance_has_it():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 6000)

    def draw():
        return np.where(random.random(6000) < 0.8, labels, (labels + random.integers(1, 3, 6000)) % 3)

    teacher, other = draw(), draw()
    each = np.arange(6000)
    copy = repeats(labels, teacher, teacher.copy(), each)
    assert copy.share == 1
    assert copy.excess.low > 0.8
    apart = repeats(labels, teacher, other, each)
    assert apart.errors == (teacher != labels).sum()
    assert apart.share == pytest.approx(0.1, abs=0.03)
    assert apart.chance == pytest.approx(0.1, abs=0.01)
    assert not apart.excess.is_apart_from_zero
    assert repeats(labels, labels, other, each) is None


def test_an_audit_of_a_model_beside_itself_is_a_page_with_equal_columns(shared_data, tmp_path, monkeypatch):
    monkeypatch.setattr("training.audit.audit.MAPS", 1)
    lines = (shared_data / "chest_xray" / "manifest.csv").read_text(encoding="utf-8").splitlines()
    rows = [line for line in lines if line.startswith("test/")][::120]
    few = tmp_path / "few"
    for row in rows:
        image = few / row.split(",")[0]
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes((shared_data / "chest_xray" / row.split(",")[0]).read_bytes())
    (few / "manifest.csv").write_text("\n".join([lines[0], *rows]), encoding="utf-8")
    student = read_catalogue().bundles["chest-xray/student-ofa595"]
    audits = audit([student, student], few, images=3)
    mine, same = audits.found
    assert len(audits.pictures.labels) == 3
    assert set(mine.predictions) >= {PLAIN, BORDER_ONLY, LUNGS_HIDDEN, UNMARKED}
    assert all((mine.predictions[name] == same.predictions[name]).all() for name in mine.predictions)
    # an unchanged picture is predicted as in the evaluation of the whole split
    assert (mine.predictions[PLAIN] == mine.plain[audits.of_pictures]).all()
    assert 0 < mine.energy["border"].mean() < 1
    written = write_page(audits, tmp_path).read_text(encoding="utf-8")
    assert f"3 of {len(rows)} test images" in written
    assert "two ellipses" in written
    for plot in ("chest-xray-curves.webp", "chest-xray-parts.webp"):
        assert plot in written
        assert (tmp_path / plot).stat().st_size > 10_000
