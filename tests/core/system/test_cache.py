import os
import platform
import subprocess
import sys
import time

import pytest

from core.errors import WriteError
from core.system import cache as caches
from core.system.cache import CACHES, Cache

HERE = Cache("some/place", "Some things", "Made again", most=2)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path / "cache"))


def write(key, text="x"):
    with HERE.new(key) as path:
        path.write_text(text)


def test_an_entry_appears_whole_or_not_at_all():
    assert HERE.find("a") is None
    with pytest.raises(ZeroDivisionError), HERE.new("a") as path:
        path.write_text("half")
        assert HERE.find("a") is None
        raise ZeroDivisionError
    assert list(HERE.folder.iterdir()) == []
    with HERE.new("below/a") as path:
        path.mkdir()
        (path / "file").write_text("whole")
    assert (HERE.find("below/a") / "file").read_text() == "whole"


def test_where_two_processes_write_an_entry_one_stays():
    with HERE.new("a") as slower:
        slower.mkdir()
        (slower / "file").write_text("same")
        with HERE.new("a") as faster:
            faster.mkdir()
            (faster / "file").write_text("same")
    assert [path.name for path in HERE.folder.iterdir()] == ["a"]
    assert (HERE.find("a", "file") / "file").read_text() == "same"


def test_an_entry_whose_removal_was_cut_off_counts_as_none():
    with HERE.new("a") as path:
        path.mkdir()
        (path / "one").touch()
    assert HERE.find("a", "one") is not None
    assert HERE.find("a", "one", "two") is None
    assert not HERE.entry("a").exists()


def test_the_entries_not_used_for_longest_are_forgotten():
    for days, key in ((3, "a"), (2, "b")):
        write(key)
        os.utime(HERE.entry(key), (time.time() - days * 86400,) * 2)
    assert HERE.find("a") is not None  # used again
    write("c")
    assert {path.name for path in HERE.folder.iterdir()} == {"a", "c"}


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_is_not():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    name = platform.node()
    left = [f".new-{gone.pid}-{name}-abc", f".new-{gone.pid}-another-machine-abc", f".new-{os.getpid()}-{name}-abc"]
    for folder in left:
        (HERE.folder / folder).mkdir(parents=True)
    write("a")
    assert sorted(path.name for path in HERE.folder.iterdir()) == sorted([*left[1:], "a"])


def test_a_place_that_cant_be_written_is_told(tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "some").write_text("a file where a folder is needed")
    with pytest.raises(WriteError, match="some/place/a"):
        write("a")
    assert HERE.find("a") is None


def test_every_cache_of_the_program_is_listed_once():
    assert len({cache.place for cache in CACHES}) == len({cache.name for cache in CACHES}) == len(CACHES)
    made = {value for value in vars(caches).values() if isinstance(value, Cache)}
    assert made == set(CACHES)
