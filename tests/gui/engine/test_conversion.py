import pytest

from core.compare.session import Choice, Interrupted
from core.models.catalogue import read_catalogue
from core.system.paths import cache_folder
from gui.engine.conversion import convert
from gui.engine.session import window_session


def test_a_conversion_that_is_cut_off_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path))
    root = cache_folder() / "openvino"
    student = read_catalogue().find("chest-xray", "student")
    begun = []

    def unwanted():
        begun.extend(root.glob(".new-*"))
        return bool(begun)

    convert([student], unwanted)
    assert begun
    assert list(root.iterdir()) == []


def test_closing_ends_a_conversion_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_CACHE", str(tmp_path))
    monkeypatch.setattr("core.runtimes.torch_runtime.has_accelerator", lambda: False)
    said = []
    session = window_session(is_stopping=lambda: bool(said))
    session.announce = said.append
    with pytest.raises(Interrupted):
        session.models(Choice(task="chest-xray"))
    assert len(said) == 1
    assert not list(cache_folder().rglob("model.xml"))
