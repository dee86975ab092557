"""The gate's fit: as scikit-learn's estimators have it, and right for images that it never saw."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.covariance import LedoitWolf

from core.uncertainty.estimators import STARTS, k_means, shrunk_covariance
from core.uncertainty.gate_fit import Decoys, fit_gate, fit_gate_to_few
from core.uncertainty.novelty import read_gate
from core.uncertainty.thumbnail import CHANNELS, likeness_features


@pytest.mark.parametrize(("count", "size", "spread"), [(2, 40, 1.0), (7, 90, 0.3), (16, 300, 0.2), (32, 500, 1.0)])
def test_centres_are_those_of_scikit_learn(count, size, spread):
    random = np.random.default_rng(count)
    rows = random.normal(size=(9, 20))[random.integers(9, size=size)] + spread * random.normal(size=(size, 20))
    centres, labels = k_means(rows, count, 0)
    expected = KMeans(count, n_init=STARTS, random_state=0).fit(rows)
    np.testing.assert_allclose(centres, expected.cluster_centers_, atol=1e-9)
    np.testing.assert_array_equal(labels, expected.labels_)


def test_rows_that_are_all_the_same_are_one_group():
    centres, labels = k_means(np.ones((30, 4)), 3, 0)
    np.testing.assert_allclose(centres, 1)
    assert set(labels) == {0}


@pytest.mark.parametrize("size", [5, 40, 2000])
def test_the_covariance_is_shrunk_as_scikit_learn_does(size):
    random = np.random.default_rng(size)
    rows = random.normal(size=(size, 16)) @ random.normal(size=(16, 16)) + 3
    np.testing.assert_allclose(shrunk_covariance(rows), LedoitWolf().fit(rows).covariance_, rtol=1e-9, atol=1e-12)
    assert not shrunk_covariance(np.ones((5, 3))).any()


def test_a_gate_rejects_few_own_images_and_all_others():
    random = np.random.default_rng(0)
    pattern = random.random((1, 1, 16, 16))
    own = np.repeat(pattern + 0.05 * random.normal(size=(1200, 1, 16, 16)), CHANNELS, axis=1)
    gate = fit_gate(own[:600], by_layout=True)
    assert (gate.scores(own[600:]) > gate.threshold).mean() == pytest.approx(0.02, abs=0.02)
    assert (gate.scores(own[600:, :, ::-1]) > gate.threshold).all()
    assert (gate.scores(own[600:] / 3) > gate.threshold).all()  # which the layout does not tell
    assert len(fit_gate(own[:6], by_layout=True).likeness.centres) == 1


def test_decoys_detect_what_the_distance_alone_does_not():
    random = np.random.default_rng(0)
    pattern, other = random.random((2, 1, 1, 16, 16))
    disturbed = 0.9 * pattern + 0.1 * other  # hardly more unlike the pattern than the images are

    def like(what, count):
        return np.repeat(what + 0.1 * random.normal(size=(count, 1, 16, 16)), CHANNELS, axis=1)

    own, decoys, tried = like(pattern, 400), like(disturbed, 300), like(disturbed, 100)
    alone, gate = fit_gate(own[:300], by_layout=True), fit_gate(own[:300], Decoys([decoys]), by_layout=True)
    rows = likeness_features(tried, by_layout=True)
    assert (alone.likeness.scores(rows) > 1).mean() < 0.8
    assert (gate.likeness.scores(rows) > 1).mean() > 0.9
    assert (gate.scores(own[300:]) > gate.threshold).mean() <= 0.06
    reread = read_gate(gate.state())
    np.testing.assert_allclose(reread.scores(tried), gate.scores(tried), rtol=0.02)


def test_the_threshold_of_a_gate_for_few_images_is_right_for_images_never_seen():
    """Thirty images whiten exactly their own features: the threshold that they set refuses others too often."""
    random = np.random.default_rng(0)
    pattern = random.random((1, 1, 16, 16))
    own = np.repeat(pattern + 0.05 * random.normal(size=(1060, 1, 16, 16)), CHANNELS, axis=1)
    fitting, held_out, new = own[:30], own[30:60], own[60:]
    gate = fit_gate_to_few(fitting, Decoys(), held_out, by_layout=False)
    assert (gate.scores(held_out) <= gate.threshold).all()
    refused = (gate.scores(new) > gate.threshold).mean()
    assert refused < 0.08
    assert (fit_gate(fitting, by_layout=False).scores(new) > 1).mean() > refused
    assert (gate.scores(new / 2) > gate.threshold).all()
    same = np.repeat(own[:1], 30, axis=0)
    assert read_gate(fit_gate_to_few(same, Decoys([], [same / 2]), same, by_layout=False).state())
