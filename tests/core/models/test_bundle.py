import json
from datetime import date

import numpy as np
import pytest
import torch
from task_samples import CHEST_XRAY

from core.errors import BundleError, UsageError, WriteError
from core.images.preprocessing import Preprocessing
from core.models.architectures import build_network
from core.models.bundle import Bundle, read_bundle
from core.models.bundle_writing import replace_fitted, write_bundle
from core.models.card import CARD_FORMAT, Card, Training
from core.models.catalogue import import_bundle, read_catalogue, remove_bundle
from core.models.packing import pack_state, unpack_state
from core.system.paths import user_weights


def make_card(**changes) -> Card:
    facts = {
        "task": "chest-xray",
        "classes": CHEST_XRAY.class_ids,
        "role": "student",
        "network": "ofa595",
        "preprocessing": Preprocessing(channels="grey"),
        "storage": "float16",
        "parameters": 7_603_539,
        "macs": 511_330_288,
        "training": Training(data="none", method="random weights", made_by="a test", made_on=date(2026, 1, 1)),
        "intended_use": "tests",
        "licence": "MIT",
        "weights_sha256": "0" * 64,
    }
    return Card(**{**facts, **changes})


@pytest.fixture(scope="module")
def state():
    torch.manual_seed(0)
    return {key: value.numpy() for key, value in build_network("ofa595", 3).state_dict().items()}


@pytest.fixture
def bundle(tmp_path, state):
    return write_bundle(tmp_path / "chest-xray" / "student-ofa595", state, make_card())


def test_a_bundle_comes_back_as_it_was_written(bundle, state):
    again = read_bundle(bundle.directory)
    assert again.card == bundle.card
    assert again.id == "chest-xray/student-ofa595"
    found = again.read_state()
    assert found.keys() == state.keys()
    for key, value in state.items():
        assert found[key].shape == value.shape
        np.testing.assert_allclose(found[key], value, rtol=1e-3, atol=1e-7)
    batch = torch.randn(1, 3, 64, 64)
    loaded = again.load_network()
    assert not loaded.training
    assert loaded(batch).shape == (1, 3)


def test_writing_leaves_nothing_beside_the_bundle_and_replaces_it_whole(bundle, state):
    first = bundle.card.weights_sha256
    changed = {**state, "classifier.linear.bias": state["classifier.linear.bias"] + 1}
    second = write_bundle(bundle.directory, changed, make_card())
    assert second.card.weights_sha256 != first
    assert [p.name for p in bundle.directory.parent.iterdir()] == ["student-ofa595"]
    second.verify()


def test_each_way_to_be_damaged_has_its_own_message(bundle, state, tmp_path):
    messages = []

    def failing(action):
        with pytest.raises(BundleError) as caught:
            action()
        assert str(bundle.directory) in str(caught.value) or str(tmp_path) in str(caught.value)
        assert caught.value.remedy
        messages.append(caught.value.problem.split(":")[0][:30])
        return str(caught.value)

    data = bytearray(bundle.weights_path.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.weights_path.write_bytes(data)
    assert "has changed" in failing(bundle.load_network)

    wrong = {**state, "classifier.linear.weight": state["classifier.linear.weight"][:, :-1]}
    assert "has the shape (3, 1535)" in failing(write_bundle(tmp_path / "a", wrong, make_card()).load_network)

    short = {key: value for key, value in state.items() if key != "classifier.linear.bias"}
    assert "lack 1 of" in failing(write_bundle(tmp_path / "b", short, make_card()).load_network)

    long = {**state, "extra": np.zeros(1, np.float32)}
    assert "does not have" in failing(write_bundle(tmp_path / "c", long, make_card()).load_network)

    card = json.loads((bundle.directory / "card.json").read_text())
    (bundle.directory / "card.json").write_text(json.dumps({**card, "format": CARD_FORMAT + 1, "later": 1}))
    assert f"format {CARD_FORMAT + 1}" in failing(lambda: read_bundle(bundle.directory))

    (bundle.directory / "card.json").write_text(json.dumps({**card, "temperature": -1}))
    assert "temperature" in failing(lambda: read_bundle(bundle.directory))

    (bundle.directory / "card.json").write_text(json.dumps({**card, "network": "resnet"}))
    assert "resnet" in failing(lambda: read_bundle(bundle.directory))

    (bundle.directory / "card.json").write_text("{")
    assert "not valid JSON" in failing(lambda: read_bundle(bundle.directory))

    (bundle.directory / "card.json").unlink()
    assert "no readable card.json" in failing(lambda: read_bundle(bundle.directory))

    assert len(set(messages)) == len(messages)


def test_a_file_that_is_no_safetensors_is_refused_even_with_the_right_checksum(bundle):
    import hashlib

    bundle.weights_path.write_bytes(b"\x80\x04not tensors")
    digest = hashlib.sha256(bundle.weights_path.read_bytes()).hexdigest()
    card = bundle.card.model_copy(update={"weights_sha256": digest})
    (bundle.directory / "card.json").write_text(card.model_dump_json())
    with pytest.raises(BundleError, match="not readable as safetensors"):
        read_bundle(bundle.directory).read_state()


def test_int8_is_off_by_at_most_half_a_step_and_keeps_vectors():
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(8, 4, 3, 3)).astype(np.float32)
    weight[3] = 0
    state = {"w": weight, "b": rng.normal(size=8).astype(np.float32), "n": np.array(7)}
    packed = pack_state(state, "int8")
    assert packed["w.int8"].dtype == np.int8
    assert packed["w.scale"].shape == (8,)
    back = unpack_state(packed)
    step = np.abs(weight).reshape(8, -1).max(axis=1).reshape(8, 1, 1, 1) / 127
    assert np.all(np.abs(back["w"] - weight) <= step / 2 + 1e-7)
    np.testing.assert_array_equal(back["b"], state["b"])
    assert back["n"].shape == ()
    again = unpack_state(pack_state(back, "int8"))
    np.testing.assert_allclose(again["w"], back["w"], rtol=1e-6)


def test_int8_spares_a_tensor_whose_steps_would_be_too_coarse():
    """One weight of each channel is 1 and the others are small, as in a convolution that began as an identity."""
    rng = np.random.default_rng(0)
    usual = rng.normal(0, 0.005, (16, 256, 3, 3)).astype(np.float32)
    grown = usual.copy()
    grown[range(16), range(16), 1, 1] = 1
    packed = pack_state({"usual": usual, "grown": grown}, "int8")
    assert {key: value.dtype for key, value in packed.items()} == {
        "usual.int8": np.int8,
        "usual.scale": np.float32,
        "grown": np.float16,
    }
    back = unpack_state(packed)
    for key, weight in (("usual", usual), ("grown", grown)):
        assert back[key].dtype == np.float32
        assert np.linalg.norm(back[key] - weight) < 0.02 * np.linalg.norm(weight)


def test_quantised_weights_without_their_scale_are_refused():
    with pytest.raises(BundleError, match="no scale"):
        unpack_state({"w.int8": np.zeros((2, 2), np.int8)})


def test_a_users_bundle_is_imported_stands_in_for_the_bundled_one_and_is_removed(bundle):
    before = read_catalogue().bundles["chest-xray/student-ofa595"]
    imported = import_bundle(bundle.directory, Bundle.load_network)
    try:
        assert imported.directory == user_weights() / "chest-xray" / "student-ofa595"
        assert read_catalogue().bundles[imported.id].directory == imported.directory
        assert read_catalogue().find("chest-xray", "student", "OFA-595").directory == imported.directory
    finally:
        remove_bundle(imported.id)
    assert read_catalogue().bundles[imported.id].directory == before.directory
    assert not list((user_weights() / "chest-xray").iterdir())
    with pytest.raises(UsageError, match="among your own"):
        remove_bundle(imported.id)


def test_a_damaged_bundle_is_not_imported(bundle):
    bundle.weights_path.write_bytes(bundle.weights_path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="has changed"):
        import_bundle(bundle.directory, Bundle.load_network)
    assert not list(user_weights().glob("*/*"))


def test_a_broken_bundle_does_not_hide_the_others(bundle, tmp_path):
    (tmp_path / "chest-xray" / "teacher-x").mkdir()
    (tmp_path / "chest-xray" / "teacher-x" / "card.json").write_text("[]")
    found = read_catalogue([tmp_path])
    assert list(found.bundles) == [bundle.id]
    assert "teacher-x" in str(found.broken[0])


def test_what_is_not_installed_is_named_with_what_is(tmp_path, bundle):
    catalogue = read_catalogue([tmp_path])
    with pytest.raises(UsageError, match=r"No teacher 'visformer_small'.*chest-xray/student-ofa595"):
        catalogue.find("chest-xray", "teacher", "visformer_small")


def test_a_full_disk_leaves_the_bundle_that_stood_there(bundle, state):
    resource = pytest.importorskip("resource")
    before = bundle.weights_path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))
    try:
        with pytest.raises(WriteError, match="student-ofa595: The disk takes no file as large"):
            write_bundle(bundle.directory, state, make_card())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert bundle.weights_path.read_bytes() == before
    assert [path.name for path in bundle.directory.parent.iterdir()] == [bundle.directory.name]


def test_a_bundle_carries_its_novelty_gate_through_import(tmp_path, state, gate):
    made = write_bundle(tmp_path / "chest-xray" / "student-ofa595", state, make_card(), gate)
    imported = import_bundle(made.directory, Bundle.load_network)
    try:
        found = imported.read_gate()
        for view, made in ((found.likeness, gate.likeness), (found.exposure, gate.exposure)):
            np.testing.assert_allclose(view.centres, made.centres, rtol=1e-3, atol=1e-3)
            assert view.threshold == pytest.approx(made.threshold)
    finally:
        remove_bundle(imported.id)


def test_a_gate_is_replaced_and_the_weights_are_not(tmp_path, state, gate):
    made = write_bundle(tmp_path / "chest-xray" / "student-ofa595", state, make_card())
    weights = made.weights_path.read_bytes()
    changed = replace_fitted(made, made.card.model_copy(update={"temperature": 1.5}), gate)
    changed.verify()
    assert changed.weights_path.read_bytes() == weights
    assert changed.read_gate().exposure.threshold == pytest.approx(0.7)
    assert changed.card.temperature == 1.5
    assert changed.card.format == CARD_FORMAT
    assert [path.name for path in tmp_path.glob("chest-xray/*")] == ["student-ofa595"]


def test_a_damaged_novelty_file_is_noticed_and_not_imported(tmp_path, state, gate):
    made = write_bundle(tmp_path / "chest-xray" / "student-ofa595", state, make_card(), gate)
    path = made.directory / "novelty.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleError, match="novelty statistics file has changed"):
        import_bundle(made.directory, Bundle.load_network)
    path.unlink()
    with pytest.raises(BundleError, match=r"no novelty\.safetensors"):
        made.verify()


def test_a_bundle_without_a_gate_and_a_card_of_format_1_are_still_read(bundle):
    card = json.loads((bundle.directory / "card.json").read_text())
    old = {key: value for key, value in card.items() if key not in {"conformal", "novelty_sha256"}} | {"format": 1}
    (bundle.directory / "card.json").write_text(json.dumps(old))
    again = read_bundle(bundle.directory)
    assert again.card.conformal is None
    assert again.read_gate() is None


def test_values_beyond_float16_stay_float32():
    state = {"bn.running_var": np.array([1e6, 2.0], np.float32), "weight": np.array([[1.5, -2.0]], np.float32)}
    packed = pack_state(state, "float16")
    assert packed["weight"].dtype == np.float16
    assert packed["bn.running_var"].dtype == np.float32
    found = unpack_state(packed)
    for key, value in state.items():
        np.testing.assert_array_equal(found[key], value)
