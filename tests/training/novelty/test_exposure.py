"""A changed exposure is detected and corrected; images that are unchanged or can't be corrected stay as they are."""

import numpy as np
import pytest
from pydantic import ValidationError

from core.images.exposure import PERCENTILES, TERMS, adjusted, percentiles, terms
from core.images.preprocessing import Preprocessing, prepare_picture, to_network_input
from core.uncertainty.disturbances import EXPOSURES
from core.uncertainty.thumbnail import exposure_features, thumbnail
from training.novelty.exposure import MAX_ADJUSTED, fitted

LINEAR = ("at a quarter of its brightness", "at half its brightness", "at half its contrast", "lifted by 0.4")
GAMMA = ("darkened by gamma 2.5", "brightened by gamma 0.4")


def films(count, seed=0):
    """Smooth pictures whose ends and middles vary as those of films do, in steps of 8 bits."""
    random = np.random.default_rng(seed)
    ramp = np.sin(np.linspace(0, np.pi, 64))
    for _ in range(count):
        dark, bright = random.uniform(0, 0.08), random.uniform(0.85, 0.95)
        shape = np.outer(ramp, np.roll(ramp, random.integers(64))) ** random.uniform(0.45, 0.55)
        noisy = shape + random.normal(0, 0.01, shape.shape)
        yield np.rint(np.clip(dark + (bright - dark) * noisy, 0, 1) * 255).astype(np.float32) / 255


@pytest.fixture(scope="module")
def usual():
    return fitted(np.array([percentiles(film) for film in films(300)]))


def in_8_bits(picture):
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.float32) / 255


def test_images_of_usual_exposure_are_not_changed(usual):
    found = [adjusted(film, usual) for film in films(200, seed=1)]
    assert np.mean([one.change != "none" for one in found]) <= MAX_ADJUSTED
    kept = next(one for one in found if one.change == "none")
    assert kept.picture is kept.stretched
    assert kept.notice == ""


@pytest.mark.parametrize("name", LINEAR + GAMMA)
def test_a_changed_exposure_is_corrected(name, usual):
    wanted = "linear" if name in LINEAR else "gamma"
    for film in films(20, seed=2):
        changed = in_8_bits(EXPOSURES[name](film))
        found = adjusted(changed, usual)
        assert found.change == wanted
        assert "differs from the training images" in found.notice
        assert np.abs(found.picture - film).mean() < 0.35 * np.abs(changed - film).mean()
        assert found.picture.dtype == np.float32
        if wanted == "gamma":
            assert not np.allclose(found.stretched, found.picture)
            inside = (found.stretched > usual.dark + 0.01) & (found.stretched < 0.99)  # where nothing is cut off
            assert np.corrcoef(found.stretched[inside], changed[inside])[0, 1] > 0.9999


def test_clipping_is_still_detected_after_the_correction(usual):
    how = Preprocessing(channels="grey", exposure=usual)
    for film in films(5, seed=3):
        prepared = prepare_picture(in_8_bits(EXPOSURES["at twice its brightness"](film)), how)
        white = exposure_features(thumbnail(prepared.gate_batch, how), colour=False)[0, 8]  # square root of a share
        assert white**2 > 0.2


def test_blank_pictures_are_not_stretched(usual):
    for level in (0.0, 0.1, 0.5, 1.0):
        blank = np.full((64, 64), level, np.float32)
        assert np.array_equal(adjusted(blank, usual).picture, blank)


def test_the_networks_input_is_adjusted_and_the_same_without_colours(usual):
    how = Preprocessing(height=64, width=64, channels="grey", mean=(0, 0, 0), std=(1, 1, 1), exposure=usual)
    (film,) = films(1, seed=4)
    dim = in_8_bits(film / 2)
    seen = prepare_picture(dim, how)
    np.testing.assert_array_equal(seen.batch[0, 0], adjusted(dim, usual).picture)
    np.testing.assert_allclose(to_network_input(np.repeat(dim[..., None], 3, axis=2), how), seen.batch, atol=1e-5)
    assert seen.notice
    assert not prepare_picture(dim, how.model_copy(update={"exposure": None})).notice
    assert "exposure" in how.in_words()


def test_an_exposure_that_makes_no_sense_is_no_card(usual):
    plain = usual.model_dump()
    again = Preprocessing.model_validate_json(Preprocessing(channels="grey", exposure=usual).model_dump_json())
    assert again.exposure == usual
    for wrong in (
        {"threshold": float("nan")},
        {"linear": plain["linear"][1:]},
        {"bright": plain["dark"]},
        {"middle": 0.0},
        {"gamma": (float("inf"), *plain["gamma"][1:])},
    ):
        with pytest.raises(ValidationError):
            Preprocessing(channels="grey", exposure={**plain, **wrong})
    with pytest.raises(ValidationError, match="grey images only"):
        Preprocessing(channels="rgb", exposure=usual)


def test_terms_are_those_of_a_polynomial_of_degree_two():
    row = np.linspace(0, 1, len(PERCENTILES))
    found = terms(row[None])
    assert found.shape == (1, TERMS)
    scaled = 2 * row - 1
    expected = [1, *scaled, *(a * b for i, a in enumerate(scaled) for b in scaled[i:])]
    np.testing.assert_allclose(found[0], expected)


def test_images_without_contrast_have_no_usual_exposure():
    assert fitted(np.full((200, len(PERCENTILES)), 0.5)) is None
