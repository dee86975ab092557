import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_samples import COMPRESSIONS, compressed, dataset, dicom_bytes, encoded, picture

from core.errors import ImageError
from core.images.reader import read_image


def corpus_kinds():
    grey, colour = picture(), picture(8, True)
    kinds = {
        "PNG": encoded(grey, "PNG"),
        "PNG 16": encoded(picture(16), "PNG"),
        "JPEG": encoded(colour, "JPEG"),
        "TIFF": encoded(colour, "TIFF", compression="tiff_lzw"),
        "TIFF 16": encoded(picture(16), "TIFF"),
        "BMP": encoded(colour, "BMP"),
        "DICOM": dicom_bytes(dataset(picture(12), bits=12, WindowCenter=2000, WindowWidth=3000)),
    }
    return kinds | {f"DICOM {kind}": compressed(dataset(grey), kind) for kind in COMPRESSIONS}


@pytest.fixture(scope="module")
def corpus():
    return corpus_kinds()


def opens_or_says_why(path, capsys):
    """Open a file that may be broken: only an ImageError that names it may come of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = read_image(path)
        except ImageError as error:
            assert str(path) in str(error)
            assert error.remedy or "not an image" in error.problem
            outcome = False
        else:
            assert found.pixels.size > 0
            shown = found.displayed()
            assert np.isfinite(shown).all()
            outcome = True
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == ""
    return outcome


@pytest.mark.parametrize("kind", list(corpus_kinds()))
def test_broken_files_open_or_say_why(kind, corpus, tmp_path, capsys):
    """Cut at every tenth, and with bits of the header and of the rest flipped: sixty files of each kind."""
    whole = corpus[kind]
    random = np.random.default_rng(0)
    broken = [whole[: len(whole) * tenth // 10] for tenth in range(1, 10)]
    for i in range(51):
        content = bytearray(whole)
        reach = min(len(content), 1200 if "DICOM" in kind else 200) if i % 3 else len(content)
        for _ in range(1 + i % 4):
            content[random.integers(reach)] ^= 1 << random.integers(8)
        broken.append(bytes(content))
    path = tmp_path / f"broken {kind}"
    for content in broken:
        path.write_bytes(content)
        opens_or_says_why(path, capsys)


@pytest.mark.parametrize("kind", list(corpus_kinds()))
def test_a_file_cut_in_the_middle_is_not_shown_as_if_it_were_whole(kind, corpus, tmp_path, capsys):
    path = tmp_path / "half"
    path.write_bytes(corpus[kind][: len(corpus[kind]) // 2])
    assert not opens_or_says_why(path, capsys)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"BM", b"\0" * 128 + b"DICM"]),
    rest=st.binary(max_size=400),
)
def test_noise_opens_or_says_why(head, rest, tmp_path, capsys):
    path = tmp_path / "noise"
    path.write_bytes(head + rest)
    opens_or_says_why(path, capsys)
