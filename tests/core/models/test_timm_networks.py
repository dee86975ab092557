import numpy as np
import pytest
import timm
import torch

from core.errors import UsageError
from core.explain.reference_cams import class_activation_map
from core.models.architectures import build_network, cam_layer, maps_to_nchw, model_name, with_maps
from core.models.ofa_subnets import model_id

NETWORKS = {  # one of each layout: (N, K, h, w), (N, h, w, K), tokens behind a class token
    "resnet10t": (512, 2, 2),
    "swin_tiny_patch4_window7_224": (768, 2, 2),
    "vit_tiny_patch16_224": (192, 4, 4),
}


def network_of(name, size=64, classes=3):
    torch.manual_seed(0)
    return build_network(f"timm:{name}", classes, size=(size, size))


def picture(size=64):
    return torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_and_keys_are_timms_and_maps_come_as_channels_by_rows_by_columns(name):
    ours = network_of(name)
    sized = {} if name == "resnet10t" else {"img_size": 64}
    theirs = timm.create_model(name, num_classes=3, **sized).eval()
    theirs.load_state_dict(ours.state_dict())
    with torch.inference_mode():
        logits, maps = with_maps(f"timm:{name}", ours)(picture())
        assert torch.equal(logits, theirs(picture()))
    assert tuple(maps.shape) == (1, *NETWORKS[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_maps_follow_a_patch(name):
    """Tokens put back in the wrong order, or channels taken for rows, would light up elsewhere."""
    module = with_maps(f"timm:{name}", network_of(name, 128))
    quiet = torch.zeros(1, 3, 128, 128)
    lively = quiet.clone()
    lively[..., 96:128, 0:32] = 3.0
    with torch.inference_mode():
        change = (module(lively)[1] - module(quiet)[1])[0].abs().sum(0)
    row, column = divmod(int(change.argmax()), change.shape[1])
    assert (row >= change.shape[0] // 2, column < change.shape[1] // 2) == (True, True)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", ["Grad-CAM", "Ablation-CAM"])
def test_pytorch_grad_cam_explains_them(name, method):
    found = class_activation_map(method, f"timm:{name}", network_of(name), picture().numpy(), 1)
    assert found.values.shape == (64, 64)
    assert np.isfinite(found.values).all()
    assert found.maps_total == NETWORKS[name][0]


def test_the_marking_layer_is_hooked_by_name():
    module = network_of("resnet10t")
    assert cam_layer("timm:resnet10t", module) is module.last_map
    assert maps_to_nchw("timm:resnet10t", module) is not None


def test_a_name_that_timm_does_not_know_is_refused():
    with pytest.raises(UsageError, match="timm has no network 'no_such_net'"):
        network_of("no_such_net")


def test_identifiers_are_folder_names_and_lead_back_to_the_name():
    assert model_id("timm:tf_efficientnet_lite0", None) == "timm-tf_efficientnet_lite0"
    assert model_name("chest-xray/teacher-timm-tf_efficientnet_lite0") == "EfficientNet-Lite0"
    assert model_name("timm-resnet18") == "resnet18"
