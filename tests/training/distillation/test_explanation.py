"""Heat maps that are matched: Grad-CAM against pytorch-grad-cam, its cosine, and the teacher's cached Score-CAM."""

import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from tiny_training import tiny_recipe

from core.explain.scorecam import ScoreCam
from core.images.preprocessing import Preprocessing
from core.models.architectures import cam_layer
from core.models.bundle_writing import with_graph
from core.runtimes.load import load_runtime
from training.data.augmentation import as_floats, network_input, view_numbers
from training.data.decoded_images import load_images
from training.data.lungs import Lungs
from training.distillation import heat_maps
from training.distillation.explanation import explanation_loss, grad_cam
from training.distillation.heat_maps import TeacherHeatMaps
from training.distillation.teachers import load_teacher
from training.loop.loop import train
from training.recipe_parts import Augment
from training.runs.networks import LayerMaps, build
from training.runs.training_set import open_run_data

CLASSES = ("COVID-19", "Non-COVID", "Normal")
HOW = Preprocessing(height=64, width=64, channels="grey")
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("model", [{"network": "timm:test_convnext"}, tiny_recipe().model.model_dump()])
def test_the_network_s_own_map_is_grad_cam(model):
    """Both before they are scaled and enlarged: pytorch-grad-cam's weights and maps, combined here."""
    recipe = tiny_recipe(size=64, model=model)
    network = build(recipe.model, 3, (64, 64), 0)[0].eval()
    images, classes = torch.randn(2, 3, 64, 64), torch.tensor([2, 0])
    maps = LayerMaps(recipe.model.network, network)
    logits = network(images)
    own = grad_cam(logits, maps.take_output(), classes, maps.to_nchw).detach().numpy()
    targets = [ClassifierOutputTarget(int(one)) for one in classes]
    layer = cam_layer(recipe.model.network, network)
    with GradCAM(network, [layer], reshape_transform=maps.to_nchw) as cam:
        cam(images, targets)
        (activations,), (gradients,) = cam.activations_and_grads.activations, cam.activations_and_grads.gradients
        weights = cam.get_cam_weights(images, layer, targets, activations.numpy(), gradients.numpy())
    theirs = np.maximum((weights[:, :, None, None] * activations.numpy()).sum(axis=1), 0)
    assert theirs.max() > 0
    np.testing.assert_allclose(own, theirs, atol=1e-5 * theirs.max())


def test_the_loss_is_one_less_the_cosine_and_has_a_gradient_through_maps_and_their_weights():
    random = np.random.default_rng(0)
    own, teacher = random.random((3, 4, 4)), random.random((3, 8, 8))
    shrunk = teacher.reshape(3, 4, 2, 4, 2).mean(axis=(2, 4))
    cosines = [a.ravel() @ b.ravel() / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(own, shrunk, strict=True)]
    a, b = torch.from_numpy(own).requires_grad_(), torch.from_numpy(teacher)
    assert explanation_loss(a, b).item() == pytest.approx(1 - np.mean(cosines))
    assert torch.autograd.gradcheck(lambda x: explanation_loss(x, b), a)

    torch.manual_seed(0)
    head = torch.nn.Linear(2, 3)
    output = torch.rand(3, 2, 4, 4, requires_grad=True)

    def loss(maps):
        return explanation_loss(grad_cam(head(maps.mean((2, 3))), maps, torch.tensor([0, 1, 2]), lambda x: x), b)

    before = loss(output)
    before.backward()
    assert head.weight.grad.abs().sum() > 0
    moved = (output.detach() - 0.1 * output.grad / output.grad.norm()).requires_grad_()
    assert loss(moved).item() < before.item()


def test_a_map_without_evidence_has_no_direction():
    own = torch.rand(1, 2, 2, requires_grad=True)
    loss = explanation_loss(own, torch.zeros(1, 4, 4))
    loss.backward()
    assert loss.item() == 1
    assert own.grad.abs().sum() == 0


@pytest.fixture(scope="module")
def explained(one_thread, small_images, tmp_path_factory):
    """A teacher whose maps have more than one pixel, and six training images."""
    run = tmp_path_factory.mktemp("runs") / "teacher"
    train(tiny_recipe(size=64, optim__epochs=1), small_images, run)
    teacher = load_teacher(str(run), CLASSES, HOW)
    data = open_run_data(small_images, CLASSES)
    return teacher, load_images(data.train[:6], CLASSES, HOW, f"{data.contents} six")


def test_the_teacher_s_maps_are_score_cam_computed_once_and_move_with_the_views(explained, monkeypatch):
    teacher, store = explained
    still = Augment(flip=0, rotate=0, scale=1)
    maps = TeacherHeatMaps(teacher, store, still)
    maps.compute(store.tensor())
    places, numbers = np.array([4, 1]), view_numbers(0, 0, 6)
    found, classes = maps.of(places, numbers)
    runtime = load_runtime(with_graph(teacher.bundle), threads=1)
    for place, heat, class_index in zip(places, found, classes, strict=True):
        image = network_input(as_floats(store.tensor()[place : place + 1]), HOW).contiguous().numpy()
        cam = ScoreCam(runtime, image)
        assert class_index == cam.logits.argmax()
        *_, last = cam.refine(int(class_index))
        assert np.abs(last.resized(heat_maps.SIDE, heat_maps.SIDE) - heat.numpy()).max() < 1e-4
    assert found.max() > 0.5

    monkeypatch.setattr(heat_maps, "ScoreCam", None)  # what is cached is not computed again
    mirrored = TeacherHeatMaps(teacher, store, still.model_copy(update={"flip": 1.0}))
    mirrored.compute(store.tensor())
    assert torch.allclose(mirrored.of(places, numbers)[0], found.flip(2), atol=1e-5)
    left = np.zeros((1, 64, 64), bool)
    left[..., :32] = True
    on_lungs = TeacherHeatMaps(teacher, store, still, Lungs("left", left))
    on_lungs.compute(store.tensor())
    half = on_lungs.of(places, numbers)[0]
    assert torch.allclose(half[..., :16], found[..., :16])
    assert half[..., 16:].abs().max() == 0
