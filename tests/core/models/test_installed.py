"""Where installed models come from, and several of one network."""

import json
import shutil

import pytest

from core.errors import UsageError
from core.models.bundle import Bundle, read_bundle
from core.models.bundle_writing import _copy_files
from core.models.catalogue import import_bundle, read_catalogue, relabel_bundle, remove_bundle
from core.models.labels import free_label
from core.models.origin import ORIGIN_FILE, Origin, origin_of
from core.system.paths import user_weights

STUDENT = "chest-xray/student-ofa595"


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A bundle from a colleague; the user's data folder is the test's own."""
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    folder = tmp_path / "from a colleague"
    shutil.copytree(read_catalogue().bundles[STUDENT].directory, folder)
    return folder


def test_an_imported_model_says_where_it_comes_from_and_a_published_one_that_it_was_trained_here(source):
    shipped = read_catalogue().bundles[STUDENT]
    assert origin_of(shipped) == Origin("shipped")
    imported = import_bundle(source, lambda _bundle: None)
    found = origin_of(imported)
    assert (found.kind, found.source) == ("imported", "from a colleague")
    assert found.on.startswith("20")
    copy = imported.directory.with_name(".copy")
    copy.mkdir()
    _copy_files(imported, copy)  # as upgrading does
    assert origin_of(read_bundle(copy)) == found
    (imported.directory / ORIGIN_FILE).unlink()
    for digest, kind in ((None, "imported"), ("0" * 64, "trained")):  # imported by an older version; made by a run
        training = imported.card.training.model_copy(update={"recipe_digest": digest})
        bundle = Bundle(imported.directory, imported.card.model_copy(update={"training": training}))
        assert origin_of(bundle) == Origin(kind)


@pytest.mark.parametrize("content", [b"\xff", b"[]", b"{"])
def test_a_damaged_note_still_means_an_import(source, content):
    imported = import_bundle(source, lambda _bundle: None)
    (imported.directory / ORIGIN_FILE).write_bytes(content)
    assert origin_of(imported) == Origin("imported")


def test_models_of_one_network_stand_beside_each_other_under_labels(source):
    for label in ("", "site-b", "2024"):
        import_bundle(source, lambda _bundle: None, label)
    catalogue = read_catalogue()
    assert [b.id for b in catalogue.of_task("chest-xray", "student")] == [
        STUDENT, f"{STUDENT}+2024", f"{STUDENT}+site-b",
    ]  # fmt: skip
    assert catalogue.bundles[f"{STUDENT}+site-b"].name == "OFA-595 (site-b)"
    for name in ("ofa595+site-b", f"{STUDENT}+site-b", "OFA-595 (site-b)"):
        assert catalogue.find("chest-xray", "student", name).label == "site-b"
    assert catalogue.find("chest-xray", "student", "ofa595").label == ""
    assert catalogue.find("chest-xray", "student").label == ""
    assert catalogue.find("chest-xray", "teacher", f"{STUDENT}+site-b").id == f"{STUDENT}+site-b"
    with pytest.raises(UsageError, match="No teacher"):
        catalogue.find("chest-xray", "teacher", "ofa595")
    assert free_label(STUDENT, catalogue.bundles.values()) == "2"


def test_a_label_that_is_taken_or_is_no_name_is_refused(source):
    import_bundle(source, lambda _bundle: None, "site-b")
    for label in ("SITE-B", "a/b", "..", "x" * 41, "a b"):
        with pytest.raises(UsageError):
            import_bundle(source, lambda _bundle: None, label)
    assert [path.name for path in (user_weights() / "chest-xray").iterdir()] == ["student-ofa595+site-b"]


def test_a_model_of_ones_own_gets_another_label_and_the_shipped_one_keeps_its_name(source):
    import_bundle(source, lambda _bundle: None)
    assert relabel_bundle(STUDENT, "first").id == f"{STUDENT}+first"
    assert origin_of(read_catalogue().bundles[STUDENT]).kind == "shipped"
    with pytest.raises(UsageError, match="among your own"):
        relabel_bundle(STUDENT, "mine")
    import_bundle(source, lambda _bundle: None)
    with pytest.raises(UsageError, match="already"):
        relabel_bundle(f"{STUDENT}+first", "")
    remove_bundle(STUDENT)
    assert relabel_bundle(f"{STUDENT}+first", "").id == STUDENT
    assert json.loads((user_weights() / STUDENT / ORIGIN_FILE).read_text())["source"] == "from a colleague"
