"""A slide window over a slide that is written, with predictions made by hand in place of the networks'."""

from pathlib import Path

import numpy as np
import pytest
from slide_samples import tissue, write_ome
from task_samples import LUNG_COLON

from core.compare.classifier import Latency, Prediction
from core.compare.comparison import Comparison, ModelResult
from core.compare.record import record_of
from core.compare.session import Choice
from core.images.medical_image import MedicalImage
from core.models.catalogue import read_catalogue
from core.slides.comparing import FieldResult
from core.slides.field import field_name
from core.uncertainty.novelty import Novelty
from gui.common import theme
from gui.slides.window import SlideWindow
from tests.gui.driving import PATIENCE

SIZE = (1200, 900)


@pytest.fixture(scope="session")
def slide_path(tmp_path_factory):
    return write_ome(tmp_path_factory.mktemp("slides") / "a.ome.tif", tissue(*SIZE), levels=3, mpp=2.0)


@pytest.fixture
def window(qtbot, qapp, own_data, slide_path):
    theme.apply(qapp, "dark")
    catalogue = read_catalogue()
    made = SlideWindow(Choice, lambda: catalogue)
    qtbot.addWidget(made)
    made.resize(1280, 800)
    with qtbot.waitSignals([made.loader.opened, made.loader.overview], timeout=PATIENCE):
        made.open([slide_path])
    yield made
    assert made.close_all()


@pytest.fixture
def by_hand(monkeypatch):
    """The grid's predictions are those of a function from a field to the teacher's and the student's, not networks'."""

    def take(predict):
        def compare(slide, fields, session, _choice):
            for region in fields:
                if session.is_stopping():
                    return
                yield result(slide.path, region, *predict(region))

        monkeypatch.setattr("gui.slides.grid_run.compare_fields", compare)

    return take


def result(path, region, teacher, student, *, novel=False, plausible=None):
    """A field's result with a class and a probability by each network."""
    catalogue = read_catalogue()
    image = MedicalImage(
        np.zeros((8, 8, 3), np.uint8),
        Path(path).with_name(field_name(Path(path), region, 1.0)),
        "OME-TIFF",
        "0" * 64,
        8,
    )

    def of(role, predicted, confidence):
        bundle = catalogue.find("lung-colon", role)
        others = (1 - confidence) / (len(bundle.card.classes) - 1)
        p = np.array([confidence if label == predicted else others for label in bundle.card.classes])
        found = Novelty(3.0 if novel else 0.5, 1.0, "it is no tissue." if novel else "")
        prediction = Prediction(
            bundle.card.classes, np.log(p).astype(np.float32), p, Latency(1.0, 2.0, 1), "openvino", "CPU", "float32",
            plausible, found,
        )  # fmt: skip
        return ModelResult(bundle, prediction, None)

    record = record_of(image, Comparison(of("teacher", *teacher), of("student", *student)))
    assert record.task == LUNG_COLON.id
    return FieldResult(region, record)
