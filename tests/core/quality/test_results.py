import pytest

from core.errors import UsageError
from core.quality.results import MEASURED, ImageResult, MapResult, ResultStore, Settings
from core.quality.summary import differences, summarise

SETTINGS = Settings("/data", {"m": "0" * 64}, ("fast",), ("faithfulness",), "auto", exhaustive=False, version="1")


def result(image, model="m", **more):
    maps = {"fast": MapResult({"drop": 0.25}, {"deletion": [0.5, 0.25]}, 1.5)}
    return ImageResult(model, image, "Normal", "Normal", 0.75, maps, **more)


def test_a_store_resumes_with_what_was_written_whole(tmp_path):
    store = ResultStore(tmp_path / "out", SETTINGS)
    store.add(result("a\u2028b.png"))
    store.add(result("c.png", costly=True))
    path = tmp_path / "out" / MEASURED
    with path.open("a", encoding="utf-8") as file:
        file.write('{"model": "m", "image": "d.p')  # killed while it wrote
    again = ResultStore(tmp_path / "out", SETTINGS)
    assert again.get("m", "a\u2028b.png", costly=False) == result("a\u2028b.png")
    assert again.get("m", "a\u2028b.png", costly=True) is None
    assert again.get("m", "c.png", costly=False) == again.get("m", "c.png", costly=True) == result("c.png", costly=True)
    assert again.get("m", "d.png", costly=False) is None
    again.add(result("d.png"))
    assert ResultStore(tmp_path / "out", SETTINGS).get("m", "d.png", costly=False) == result("d.png")


def test_what_could_not_be_measured_is_tried_again(tmp_path):
    store = ResultStore(tmp_path, SETTINGS)
    store.add(ImageResult("m", "a.png", None, error="broken"))
    assert ResultStore(tmp_path, SETTINGS).get("m", "a.png", costly=False) is None


def test_results_of_other_settings_are_not_mixed(tmp_path):
    ResultStore(tmp_path, SETTINGS).add(result("a.png"))
    other = Settings("/data", {"m": "1" * 64}, ("fast",), ("faithfulness",), "auto", exhaustive=True, version="1")
    with pytest.raises(UsageError, match=r"other settings \(models, exhaustive\)"):
        ResultStore(tmp_path, other)
    (tmp_path / MEASURED).write_text("no JSON\n")
    with pytest.raises(UsageError, match="not a file of measured heat maps"):
        ResultStore(tmp_path, SETTINGS)


def scored(model, image, value, seconds=1.0, error=""):
    maps = {"fast": MapResult({} if error else {"drop": value, "area:lung": 0.3}, {}, seconds, error)}
    return ImageResult(model, image, "Normal", maps=maps)


def test_means_are_over_the_images_that_have_a_figure_and_differences_over_pairs():
    found = [scored("t", "a", 0.2), scored("t", "b", 0.4), scored("t", "c", 0.9, error="not finite")]
    found += [scored("s", "a", 0.5, 3.0), scored("s", "b", 0.6, 5.0), scored("s", "c", 0.7, 4.0)]
    teacher, student = summarise(found, ["t", "s"], ["fast", "exact"])
    assert (teacher.model, teacher.measures["drop"].value, teacher.failed) == ("t", pytest.approx(0.3), 1)
    assert (student.measures["drop"].value, student.seconds_per_map) == (pytest.approx(0.6), 4.0)
    (difference,) = differences(found, ["t", "s"], ["fast", "exact"])
    assert (difference.first, difference.second, list(difference.measures)) == ("t", "s", ["drop"])
    assert (difference.measures["drop"].value, difference.measures["drop"].images) == (pytest.approx(0.25), 2)
    assert differences(found, ["t"], ["fast"]) == []
