"""Both networks on fields of a slide: the same as on the fields as files."""

import pytest
from slide_samples import tissue, write_ome

from core.compare.figures import cells
from core.compare.session import Choice, ComparisonSession
from core.images.region import Region
from core.models.catalogue import read_catalogue
from core.slides.comparing import compare_fields, slide_choice, slide_tasks
from core.slides.field import save_field
from core.slides.opening import open_slide

FIELDS = [Region(0, 0, 400, 400), Region(300, 200, 400, 400)]


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    path = write_ome(tmp_path_factory.mktemp("slide") / "a.ome.tif", tissue(900, 700, margin=0), mpp=0.5)
    with open_slide(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def session():
    return ComparisonSession()


def test_fields_are_compared_as_the_same_fields_in_files_are(slide, session):
    choice = slide_choice(Choice(), read_catalogue())
    found = list(compare_fields(slide, FIELDS, session, choice))
    assert [result.region for result in found] == FIELDS
    for result in found:
        of_file = session.examine(save_field(slide, result.region), choice).record
        for side in ("teacher", "student"):
            one, other = getattr(result.record, side), getattr(of_file, side)
            assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)
            assert (one.novel, one.plausible) == (other.novel, other.plausible)
        row = dict(cells(result.record))
        assert [row[f"image_region_{name}"] for name in ("x", "y", "width", "height")] == [
            result.region.x, result.region.y, 400, 400,
        ]  # fmt: skip
        assert row["path"].endswith(f"x={result.region.x},y={result.region.y},w=400,h=400].ome.tif")


def test_a_session_that_is_stopping_ends_a_grid(slide, session):
    choice = slide_choice(Choice(), read_catalogue())
    running = compare_fields(slide, FIELDS, session, choice)
    assert next(running).region == FIELDS[0]
    session.is_stopping = lambda: True
    try:
        assert list(running) == []
    finally:
        session.is_stopping = lambda: False


def test_a_slide_is_of_one_task_of_coloured_images():
    catalogue = read_catalogue()
    assert [task.id for task in slide_tasks(catalogue)] == ["lung-colon"]
    for chosen in (None, "chest-xray", "lung-colon"):
        choice = slide_choice(Choice(task=chosen), catalogue)
        assert (choice.task, choice.cam) == ("lung-colon", "none")
    named = slide_choice(Choice(teacher="vgg19", student="of-the-chest"), catalogue)
    assert (named.teacher, named.student) == ("vgg19", None)
