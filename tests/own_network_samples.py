"""Networks of a user's own, made and imported, and Score-CAM by its definition."""

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from scipy.special import softmax

from core.models.own_form import Form
from core.models.own_networks import import_onnx
from core.runtimes.load import load_runtime
from tests.graph_samples import small_model, small_state

CLASSES = ("cat", "dog", "owl")
SIZE = 32


def form(**options):
    stated = {
        "classes": CLASSES,
        "task": "",
        "new_task": "My animals",
        "colour": True,
        "role": "student",
        "name": "zoo",
    }
    return Form.of(**{**stated, **options})


def saved(model, path):
    onnx.save_model(model, path)
    return path


def own_model(folder, **options):
    return saved(small_model(small_state(), SIZE, **options), folder / "zoo.onnx")


def reference(path, image, name="image"):
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {name: image})


def imported(path, **options):
    return import_onnx(path, form(**options), load_runtime)


def image_file(folder):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    path = folder / "animal.png"
    Image.fromarray(pixels).save(path)
    return path


def literal_map(path, image, maps, class_index):
    """Score-CAM, mask by mask, as its definition says, with torch's resize and ONNX Runtime."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return literal_map_by(lambda batch: session.run(["logits"], {"image": batch})[0], image, maps, class_index)


def literal_map_by(logits_of, image, maps, class_index):
    """The same with any function from an image to its logits."""
    scores = []
    for one in maps:
        mask = torch.nn.functional.interpolate(
            torch.from_numpy(one)[None, None], size=image.shape[2:], mode="bilinear", align_corners=True
        )[0, 0].numpy()
        mask = (mask - mask.min()) / (np.ptp(mask) or 1)
        scores.append(logits_of(image * mask)[0, class_index])
    found = np.maximum(0, np.tensordot(softmax(scores), maps, 1))
    return (found - found.min()) / np.ptp(found)
