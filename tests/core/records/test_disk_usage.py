import pytest

from core.records.disk_usage import kept, remove
from core.records.history import History, history_path
from core.system.paths import cache_folder


@pytest.fixture
def own_folders_here(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))


@pytest.mark.usefixtures("own_folders_here")
def test_caches_are_measured_and_removed(chest_comparison):
    assert kept() == []
    sizes = {
        "answers/abc": 3000, "training/images/x/y": 500, "training/teacher-logits/z": 50, "groups/g.txt": 7,
        "training/old": 4, "probe.json": 20,
    }  # fmt: skip
    for name, size in sizes.items():
        path = cache_folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    with History() as history:
        history.add("0" * 64, chest_comparison, {})
    found = {item.key: item for item in kept()}
    assert {item.name: item.size for key, item in found.items() if key != "history"} == {
        "Training images at network size": 500, "Teacher outputs for distillation": 50,
        "Predictions on evaluation images": 3000, "Groups of related images": 7, "Other caches": 24,
    }  # fmt: skip
    assert found["history"].size == sum(path.stat().st_size for path in found["history"].paths)
    remove(found["answers"])
    assert not (cache_folder() / "answers").exists()
    assert "answers" not in {item.key for item in kept()}
    remove(found["other"])
    left = {path.relative_to(cache_folder()).as_posix() for path in cache_folder().rglob("*") if path.is_file()}
    assert left == {"training/images/x/y", "training/teacher-logits/z", "groups/g.txt"}


@pytest.mark.usefixtures("own_folders_here")
def test_the_history_is_emptied_while_another_window_has_it_open(chest_comparison):
    with History() as other:
        other.add("0" * 64, chest_comparison, {})
        damaged = history_path().with_name("history-damaged-20200101T000000.sqlite")
        damaged.write_bytes(b"x")
        remove(next(item for item in kept() if item.key == "history"))
        assert other.count() == 0
        assert not damaged.exists()
        other.add("1" * 64, chest_comparison, {})
        assert other.count() == 1


@pytest.mark.usefixtures("own_folders_here")
def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_bytes(bytes(1000))
    cache_folder().mkdir()
    (cache_folder() / "openvino").symlink_to(precious)
    (item,) = kept()
    assert item.size < 1000
    remove(item)
    assert (precious / "file").is_file()
    assert kept() == []
