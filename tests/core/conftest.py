from dataclasses import replace

import numpy as np
import pytest
import torch

from core.models.architectures import get_architecture, with_maps
from core.runtimes.masks import mask_scorer


class TorchNetwork:
    """A torch module as a ``core.runtimes.base.Runtime`` in its own precision, which counts its forwards."""

    name, device, notice = "torch", "CPU", ""

    def __init__(self, network, module, batch_size=8):
        self.layer = get_architecture(network).layer
        self.module = with_maps(network, module)
        self.batch_size = batch_size
        self.images = 0
        self.dtype = next(module.parameters()).dtype
        self.precision = str(self.dtype)

    def forward(self, batch):
        return self.forward_with_maps(batch)[0]

    def forward_with_maps(self, batch):
        self.images += len(batch)
        with torch.inference_mode():
            logits, maps = self.module(torch.from_numpy(batch).to(self.dtype))
        return logits.numpy(), maps.numpy().astype(np.float32)

    def mask_scorer(self, image, map_size, *, half=False):
        return mask_scorer(self.forward, image, map_size, self.batch_size)

    def prepare_masks(self):
        pass


@pytest.fixture(scope="session")
def torch_network():
    return TorchNetwork


@pytest.fixture(scope="session")
def chest_path():
    from core.images.demo import demonstration_radiograph

    return demonstration_radiograph()


@pytest.fixture(scope="session")
def chest_image(chest_path):
    from core.images.reader import read_image

    return read_image(chest_path)


@pytest.fixture(scope="session")
def chest_comparison():
    """Teacher and student on one image: real models' cards, but fixed answers, times and maps."""
    return made_comparison("chest-xray", [0.28, 0.62, 0.10], [0.65, 0.24, 0.11])


@pytest.fixture(scope="session")
def tile_comparison():
    return made_comparison("lung-colon", [0.01, 0.02, 0.08, 0.02, 0.87], [0.01, 0.02, 0.11, 0.01, 0.85])


@pytest.fixture(scope="session")
def strange_comparison(chest_comparison):
    """The same on an image that the teacher can't judge and of which the student is unsure."""
    from core.uncertainty.novelty import Novelty

    strange = Novelty(score=3, threshold=1, reason="it is no chest radiograph.")
    teacher, student = chest_comparison.teacher, chest_comparison.student
    return replace(
        chest_comparison,
        teacher=replace(teacher, prediction=replace(teacher.prediction, novelty=strange)),
        student=replace(student, prediction=replace(student.prediction, plausible=("COVID-19", "Normal"))),
    )


def made_comparison(task, teacher, student):
    from core.compare.classifier import Latency, Prediction
    from core.compare.comparison import Comparison, ModelResult
    from core.explain.heatmap import HeatMap
    from core.models.catalogue import read_catalogue

    catalogue = read_catalogue()

    def answer(role, network, chances, size, centre, forward_ms):
        bundle = catalogue.find(task, role, network)
        p = np.array(chances)
        rows, columns = np.mgrid[:size, :size] / (size - 1)
        values = np.exp(-8 * ((rows - centre) ** 2 + (columns - centre) ** 2)).astype(np.float32)
        values = (values - values.min()) / np.ptp(values)
        explained = int(np.argmax(teacher))
        return ModelResult(
            bundle,
            Prediction(
                bundle.card.classes, np.log(p).astype(np.float32), p, Latency(2.0, forward_ms, 1), "openvino", "CPU",
                "float32",
            ),
            HeatMap(values, explained, "features.35", "clustered G=32", 34, 512, 0.015, 2.5),
        )  # fmt: skip

    return Comparison(
        answer("teacher", "vgg19", teacher, 14, 0.3, 80.0), answer("student", "ofa595", student, 7, 0.7, 4.0)
    )
