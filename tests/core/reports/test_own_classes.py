"""Reports of a task of the user's own, with many classes and long names."""

import re
from dataclasses import replace

import numpy as np
import pydicom
import pypdf
import pytest

from core.exports.dicom_objects import write_dicom_results
from core.reports.writer import ReportWriter
from core.tasks import Task


def of_task(comparison, task):
    """The comparison as models of another task would have made it; the class n has the n-th probability."""
    count = len(task.classes)
    sides = []
    for side in (comparison.teacher, comparison.student):
        card = side.bundle.card.model_copy(
            update={"task": task.id, "classes": task.class_ids, "definition": task, "scores": ()}
        )
        probabilities = np.arange(1, count + 1) / (count * (count + 1) / 2)
        prediction = replace(
            side.prediction, class_ids=task.class_ids, logits=np.log(probabilities), probabilities=probabilities,
            plausible=None,
        )  # fmt: skip
        sides.append(replace(side, bundle=replace(side.bundle, card=card), prediction=prediction))
    return replace(comparison, teacher=sides[0], student=sides[1])


def own_task(count):
    classes = [{"id": f"the same long beginning {i}", "name": f"Species number {i}"} for i in range(count)]
    return Task.model_validate({"id": "beetles", "name": "Beetles", "colour": False, "classes": classes})


@pytest.mark.parametrize(("count", "shown"), [(3, 3), (12, 12), (40, 12)])
def test_a_page_names_the_task_and_its_most_probable_classes(count, shown, tmp_path, chest_image, chest_comparison):
    found = of_task(chest_comparison, own_task(count))
    with ReportWriter(tmp_path / "report.pdf") as report:
        report.add(chest_image, found)
        report.add(chest_image, found)
    pages = [re.sub(r"\s+", " ", page.extract_text()) for page in pypdf.PdfReader(tmp_path / "report.pdf").pages]
    assert len(pages) == 4, "the summary, a sheet for each image, and the appendix"
    assert "Comparison of teacher and student · Beetles" in pages[1]
    names = {int(number) for number in re.findall(r"Species number (\d+) ", pages[1])}
    assert names >= set(range(count - shown, count))
    assert ("most probable 12 of 40 classes" in pages[1]) == (count == 40)
    assert "Both agree on 2 of 2" in pages[0]
    assert ("Species number 0" in pages[0]) == (count <= 12), "a table of all against all has room for few"


def test_classes_whose_labels_begin_alike_have_codes_of_their_own(tmp_path, chest_image, chest_comparison):
    task = own_task(3)
    write_dicom_results(tmp_path, chest_image, of_task(chest_comparison, task))
    codes = set()
    for path in tmp_path.rglob("*.dcm"):
        text = pydicom.dcmread(path)
        if text.Modality == "SR":
            codes = {(str(e.value), n) for n, e in _named(text)}
    names = {name: code for code, name in codes if name.startswith("Probability of")}
    assert len(names) == len(set(names.values())) == 3
    assert all(len(code) <= 16 for code, _name in codes)


def _named(dataset):
    """Each coded value's meaning and its element, however deep."""
    for element in dataset.iterall():
        if element.keyword == "ConceptNameCodeSequence":
            for item in element.value:
                yield item.CodeMeaning, item["CodeValue"]
