import io
import urllib.error

import pytest
import torch

import core.models.pretrained
from core.errors import WeightsUnavailableError
from core.models.architectures import build_network, get_architecture
from core.models.pretrained import git_blob_id, load_imagenet_weights
from core.system.cache import IMAGENET_WEIGHTS


def test_a_git_blob_id_is_what_git_prints():
    assert git_blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert git_blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_an_unreachable_ofa_file_says_where_it_lies_and_what_to_do(monkeypatch):
    def offline(*_args, **_kwargs):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(WeightsUnavailableError) as caught:
        load_imagenet_weights("ofa595", build_network("ofa595", 3))
    assert "raw.githubusercontent.com/han-cai" in str(caught.value)
    assert "or start from random weights" in str(caught.value)


@pytest.mark.parametrize("network", ["vgg19", "visformer_small", "autoformerv2_tiny"])
def test_an_unreachable_hub_names_the_repository_and_what_to_do(network, monkeypatch):
    def offline(*_args, **_kwargs):
        raise OSError("We couldn't connect")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", offline)
    with pytest.raises(WeightsUnavailableError) as caught:
        load_imagenet_weights(network, build_network(network, 3))
    assert get_architecture(network).hub in str(caught.value)
    assert "local weights file" in str(caught.value)


def test_another_file_is_not_taken_for_the_published_ofa_weights(tmp_path):
    path = tmp_path / "init"
    torch.save({"state_dict": build_network("ofa595", 1000).state_dict()}, path)
    with pytest.raises(WeightsUnavailableError, match="git blob id"):
        load_imagenet_weights("ofa595", build_network("ofa595", 3), path)


def test_a_download_that_is_not_the_published_file_is_not_kept(monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda *_a, **_k: io.BytesIO(b"<html>moved</html>"))
    with pytest.raises(WeightsUnavailableError, match="git blob id"):
        load_imagenet_weights("ofa595", build_network("ofa595", 3))
    assert not list(IMAGENET_WEIGHTS.folder.glob("*"))


def test_ofa_weights_with_the_old_key_names_are_taken_but_for_the_classifier(tmp_path, monkeypatch):
    source = build_network("ofa595", 1000)
    old = {key.replace(".conv.", ".mobile_inverted_conv.", 1): value for key, value in source.state_dict().items()}
    path = tmp_path / "init"
    torch.save({"state_dict": old}, path)
    monkeypatch.setattr(core.models.pretrained, "OFA_BLOB_ID", git_blob_id(path.read_bytes()))
    own = build_network("ofa595", 3)
    fresh = load_imagenet_weights("ofa595", own, path)
    assert fresh == ["classifier.linear.weight", "classifier.linear.bias"]
    for key, value in own.state_dict().items():
        if key not in fresh:
            assert torch.equal(value, source.state_dict()[key])


@pytest.mark.parametrize("network", ["vgg19", "visformer_small", "autoformerv2_tiny"])
def test_timm_weights_are_taken_from_a_local_file_but_for_the_classifier(network, tmp_path):
    import timm
    from safetensors.torch import save_file

    names = {"vgg19": "vgg19", "visformer_small": "visformer_small", "autoformerv2_tiny": "swin_s3_tiny_224"}
    small = {"mlp_ratio": 1 / 4096} if network == "vgg19" else {}
    source = timm.create_model(names[network], num_classes=10, **small)
    save_file(source.state_dict(), tmp_path / "model.safetensors")
    own = build_network(network, 3)
    fresh = load_imagenet_weights(network, own, tmp_path / "model.safetensors")
    assert fresh
    assert all(key.startswith("head.") for key in fresh)
    for key, value in own.state_dict().items():
        if key not in fresh:
            assert torch.equal(value, source.state_dict()[key])


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "model.pth"
    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(WeightsUnavailableError, match="not a readable checkpoint"):
        load_imagenet_weights("vgg19", build_network("vgg19", 3), path)
    assert not (tmp_path / "ran").exists()


def test_weights_of_another_network_are_refused_by_name(tmp_path):
    from safetensors.torch import save_file

    save_file({"stem.weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(WeightsUnavailableError, match=r"Visformer-S.*missing or of another shape"):
        load_imagenet_weights("visformer_small", build_network("visformer_small", 3), tmp_path / "model.safetensors")


def test_a_local_file_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(WeightsUnavailableError, match="no such weights file"):
        load_imagenet_weights("vgg19", build_network("vgg19", 3), tmp_path / "none.safetensors")
