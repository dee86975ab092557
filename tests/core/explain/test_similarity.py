import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.explain.similarity import iou_top, pearson, ssim, top_share

maps = st.integers(0, 10_000).map(lambda seed: np.random.default_rng(seed).random((12, 9)))


@given(maps, maps)
def test_pearson_is_numpys(a, b):
    assert pearson(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-9)


def test_pearson_of_constant_maps_is_defined():
    flat, other = np.full((3, 3), 0.5), np.arange(9.0).reshape(3, 3)
    assert pearson(flat, flat * 2) == 1
    assert pearson(flat, other) == 0
    assert pearson(other, -other) == pytest.approx(-1)


@given(maps, maps)
def test_overlap_is_that_of_sets_of_pixels(a, b):
    count = round(0.2 * a.size)
    x, y = (set(np.argsort(-m.ravel())[:count]) for m in (a, b))
    assert iou_top(a, b) == pytest.approx(len(x & y) / len(x | y))


def test_exactly_a_fifth_is_taken_also_with_ties():
    assert top_share(np.zeros((10, 10))).sum() == 20
    assert iou_top(np.zeros((10, 10)), np.zeros((10, 10))) == 1
    values = np.arange(100.0).reshape(10, 10)
    assert iou_top(values, -values) == 0


def literal_ssim(x, y):
    """Wang et al. 2004, equation 13, pixel by pixel with an 11×11 Gaussian window."""
    offsets = np.arange(-5, 6)
    g = np.exp(-(offsets**2) / (2 * 1.5**2))
    window = np.outer(g, g) / np.outer(g, g).sum()
    px, py = (np.pad(m, 5, mode="symmetric") for m in (x, y))
    total = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            a, b = px[i : i + 11, j : j + 11], py[i : i + 11, j : j + 11]
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            c1, c2 = 1e-4, 9e-4
            total += (2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))
    return total / x.size


def test_ssim_is_that_of_a_literal_loop():
    random = np.random.default_rng(0)
    a = random.random((20, 17))
    b = np.clip(a + random.normal(0, 0.1, a.shape), 0, 1)
    assert ssim(a, b) == pytest.approx(literal_ssim(a, b), abs=1e-9)
    assert ssim(a, a) == pytest.approx(1)
