"""The steps against OpenVINO's own pass, which does the same in one."""

from collections import Counter

import numpy as np
import pytest

from core.models.catalogue import read_catalogue
from core.runtimes.openvino_folding import fold_constants
from core.system.openvino_core import openvino_core


def logits(network, images):
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
    return openvino_core().compile_model(network, "CPU", settings)(images)[0]


@pytest.mark.parametrize("name", ["chest-xray/student-ofa595", "lung-colon/teacher-timm-tf_efficientnet_lite0"])
def test_what_weights_alone_decide_is_computed_once(name):
    from openvino.passes import ConstantFolding, Manager

    packed = openvino_core().read_model(read_catalogue().bundles[name].verified_graph())
    packed.reshape([1, 3, 224, 224])
    ours, theirs = packed.clone(), packed.clone()
    fold_constants(ours)
    whole = Manager()
    whole.register_pass(ConstantFolding())
    whole.run_passes(theirs)
    kinds, expected = (Counter(node.get_type_name() for node in one.get_ordered_ops()) for one in (ours, theirs))
    assert kinds - Counter(ConvertLike=kinds["ConvertLike"]) == expected
    assert len(packed.get_ordered_ops()) > len(ours.get_ordered_ops()), "there is nothing to fold"
    images = np.random.default_rng(0).standard_normal((1, 3, 224, 224), dtype=np.float32)
    np.testing.assert_array_equal(logits(ours, images), logits(theirs, images))
