import pytest

from core.compare.ground_truth import Labels, label_of
from core.tasks import get_task

CHEST = get_task("chest-xray")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "manifest.csv").write_text(
        "path,label,source\nNormal/a.png,COVID-19,x\ndeep/../b.png,normal,x\nc.png,Fracture,x\n", encoding="utf-8"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("Normal/a.png", "COVID-19"),  # the manifest goes before the folder's name
        ("b.png", "Normal"),  # in any case, by a path that is written otherwise
        ("c.png", None),  # a label of another task
        ("Non-COVID/d.png", "Non-COVID"),  # not listed: the folder's name
        ("e.png", None),
    ],
)
def test_a_manifest_tells_true_classes(folder, path, label):
    assert Labels().of(folder / path, CHEST) == label


def test_a_manifest_is_read_once(folder):
    labels = Labels()
    assert labels.of(folder / "b.png", CHEST) == "Normal"
    (folder / "manifest.csv").unlink()
    assert labels.of(folder / "b.png", CHEST) == "Normal"
    assert Labels().of(folder / "b.png", CHEST) is None


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"name,class\na.png,Normal\n", b"", b"path,label\na.png\n"])
def test_a_manifest_that_cant_be_read_says_nothing(tmp_path, content):
    (tmp_path / "manifest.csv").write_bytes(content)
    assert Labels().of(tmp_path / "a.png", CHEST) is None
    assert Labels().of(tmp_path / "Normal" / "a.png", CHEST) == "Normal"


def test_no_folder_above_an_image_tells_its_class(tmp_path):
    image = tmp_path / "Normal" / "covid-19" / "images" / "x.png"
    image.parent.mkdir(parents=True)
    assert label_of(image, CHEST) is None
    (image.parent.parent / "lung masks").mkdir()  # as in COVID-QU-Ex, where the class's folder has these two
    assert label_of(image, CHEST) == "COVID-19"
