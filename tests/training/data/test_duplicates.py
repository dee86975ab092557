import cv2
import imagehash
import numpy as np
import pytest
from dataset_samples import radiograph, save
from PIL import Image

from training.data.duplicates import NEAR, exact_duplicates, near_duplicates, near_pairs
from training.data.fingerprints import fingerprint


def test_all_pairs_within_reach_are_found_as_by_comparing_all():
    random = np.random.default_rng(0)
    centres = random.integers(0, 2**63, (40, 1, 4), dtype=np.uint64)
    # bits flipped one by one, so that distances lie on both sides of the limit
    bits = np.unpackbits(np.repeat(centres, 8, axis=0).view(np.uint8).reshape(320, 32), axis=1)
    for row in bits:
        row[random.choice(256, random.integers(0, 30), replace=False)] ^= 1
    upright = np.packbits(bits, axis=1).view(np.uint64)
    hashes = np.concatenate([upright[:, None], random.integers(0, 2**63, (320, 7, 4), dtype=np.uint64)], axis=1)
    hashes[::3, 5], hashes[::3, 0] = hashes[::3, 0].copy(), hashes[::3, 5].copy()
    expected = set()
    for i in range(320):
        nearest = np.bitwise_count(hashes[i][:, None] ^ hashes[None, :, 0]).sum(axis=2).min(axis=0)
        expected |= {(i, int(j)) for j in np.flatnonzero(nearest <= NEAR) if j > i}
    assert len(expected) > 100
    assert set(map(tuple, near_pairs(hashes).tolist())) == expected


@pytest.mark.parametrize("change", ["as it is", "quarter turn", "mirrored", "half the size", "brighter", "JPEG"])
def test_the_same_picture_is_found_whatever_was_done_to_it_and_others_are_not(change, tmp_path):
    picture = radiograph(1, side=200)
    other = {
        "as it is": picture,
        "quarter turn": np.rot90(picture),
        "mirrored": picture[:, ::-1],
        "half the size": cv2.resize(picture, (100, 100), interpolation=cv2.INTER_AREA),
        "brighter": (picture * 0.7 + 60).astype(np.uint8),
        "JPEG": picture,
    }[change]
    name = "b.jpg" if change == "JPEG" else "b.tiff"
    files = [save(tmp_path / "a.png", picture), save(tmp_path / name, np.ascontiguousarray(other))]
    files += [save(tmp_path / f"{seed}.png", radiograph(seed, side=200)) for seed in range(2, 30)]
    prints = [fingerprint(path) for path in files]
    assert near_duplicates(prints).tolist() == [[0, 1]]
    assert exact_duplicates(prints) == []


def test_copies_are_exact_and_flat_or_unreadable_pictures_are_alike_to_none(tmp_path):
    files = [save(tmp_path / f"{i}.png", radiograph(1)) for i in range(3)]
    files += [save(tmp_path / f"flat{v}.png", np.full((50, 50), v, np.uint8)) for v in (0, 1)]
    (tmp_path / "broken.png").write_bytes(files[0].read_bytes()[:200])
    prints = [fingerprint(path) for path in [*files, tmp_path / "broken.png"]]
    assert exact_duplicates(prints) == [[0, 1, 2]]
    assert near_duplicates(prints).tolist() == [[0, 1], [0, 2]]
    assert "truncated" in prints[-1].reason


def test_the_hash_is_imagehashs_phash(tmp_path):
    picture = radiograph(5, side=64)
    found = fingerprint(save(tmp_path / "a.png", picture)).hashes[0]
    expected = imagehash.phash(Image.fromarray(picture), hash_size=16).hash.ravel()
    assert np.array_equal(np.unpackbits(found.view(np.uint8)).astype(bool), expected)
