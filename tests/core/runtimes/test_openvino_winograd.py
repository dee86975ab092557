import numpy as np
import openvino
import pytest
import torch
from openvino import opset13 as ops

from core.models.catalogue import read_catalogue
from core.runtimes.openvino_runtime import OpenVinoRuntime
from core.runtimes.openvino_winograd import suited_convolutions, use_winograd
from core.runtimes.torch_runtime import TorchRuntime
from core.system.openvino_core import openvino_core

RNG = np.random.default_rng(0)


def normal(*shape, scale=1.0):
    return RNG.normal(scale=scale, size=shape).astype(np.float32)


def convolution(value, filters, stride=1, border=1, dilation=1):
    how = ([stride] * 2, [border] * 2, [border] * 2, [dilation] * 2)
    return ops.convolution(value, ops.constant(filters) if isinstance(filters, np.ndarray) else filters, *how)


def network(shape, build):
    image = ops.parameter(shape, np.float32)
    return openvino.Model([build(image)], [image])


def kinds(model):
    return [node.get_type_name() for node in model.get_ordered_ops()]


def answer(model, image):
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    return openvino_core().compile_model(model, "CPU", settings)(image)[0]


def float64_convolution(image, filters):
    return torch.nn.functional.conv2d(*(torch.from_numpy(a).double() for a in (image, filters)), padding=1).numpy()


@pytest.mark.parametrize("shape", [(1, 128, 4, 4), (3, 128, 8, 20), (2, 136, 28, 28)])
@pytest.mark.parametrize("outputs", [1, 40])
def test_it_equals_the_convolution_in_float64(shape, outputs):
    image, filters = normal(*shape), normal(outputs, shape[1], 3, 3, scale=(9 * shape[1]) ** -0.5)
    model = network(shape, lambda value: convolution(value, filters))
    use_winograd(model)
    assert "Convolution" not in kinds(model)
    np.testing.assert_allclose(answer(model, image), float64_convolution(image, filters), atol=1e-4)


def test_bias_and_relu_are_taken_along_and_neighbours_stay_right():
    shape, filters = (2, 128, 12, 8), normal(128, 128, 3, 3, scale=0.03)
    bias, offsets = normal(1, 128, 1, 1), normal(1, 128, 12, 8)

    def build(value):
        first = ops.relu(ops.add(convolution(value, filters), ops.constant(bias)))
        alone = convolution(first, filters)  # has two followers, and neither may be drawn in
        return ops.add(ops.relu(ops.add(alone, ops.constant(offsets))), ops.relu(alone))

    image = normal(*shape)
    model = network(shape, build)
    expected = answer(model.clone(), image)
    use_winograd(model)
    assert "Convolution" not in kinds(model)
    np.testing.assert_allclose(answer(model, image), expected, atol=1e-4)


def test_an_addition_that_is_no_bias_is_left_in_its_place():
    shape, filters, image = (1, 128, 8, 8), normal(8, 128, 3, 3, scale=0.03), normal(1, 128, 8, 8)
    for other in (normal(1, 8, 8, 8), normal(1), normal(8), normal(8, 8), None):
        model = network(
            shape,
            lambda v, o=other: ops.add(
                convolution(v, filters), ops.reduce_max(v, np.array([1]), True) if o is None else ops.constant(o)
            ),
        )
        expected = answer(model.clone(), image)
        use_winograd(model)
        assert "Convolution" not in kinds(model)
        np.testing.assert_allclose(answer(model, image), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("shape", "build"),
    [
        ((1, 64, 8, 8), lambda v: convolution(v, normal(8, 64, 3, 3))),
        ((1, 128, 8, 8), lambda v: convolution(v, normal(8, 128, 1, 1), border=0)),
        ((1, 128, 8, 8), lambda v: convolution(v, normal(8, 128, 3, 3), stride=2)),
        ((1, 128, 8, 8), lambda v: convolution(v, normal(8, 128, 3, 3), border=0)),
        ((1, 128, 8, 8), lambda v: convolution(v, normal(8, 128, 3, 3), border=2, dilation=2)),
        ((1, 128, 14, 8), lambda v: convolution(v, normal(8, 128, 3, 3))),
        ((1, 128, 8, 8), lambda v: convolution(v, ops.abs(ops.constant(normal(8, 128, 3, 3))))),
    ],
    ids=["few channels", "1×1", "stride", "no border", "dilation", "part of a tile", "filters computed"],
)
def test_other_convolutions_are_left_alone(shape, build):
    model = network(shape, build)
    before = kinds(model)
    use_winograd(model)
    assert kinds(model) == before


@pytest.mark.parametrize("task", ["chest-xray", "lung-colon"])
def test_vgg19_answers_batches_through_it_as_torch_does(task):
    bundle = read_catalogue().bundles[f"{task}/teacher-vgg19"]
    runtime = OpenVinoRuntime(bundle)
    assert len(suited_convolutions(runtime._reshaped(1))) == 9
    assert not suited_convolutions(runtime._stream_network(half=False))
    batch = normal(runtime.batch_size, 3, 224, 224)
    expected = TorchRuntime(bundle).forward(batch)
    np.testing.assert_allclose(runtime.forward(batch), expected, atol=1e-4 * max(1, np.abs(expected).max()))
