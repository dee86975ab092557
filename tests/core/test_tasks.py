"""Tasks as files: what is read, what is refused with a remedy, and what happens when two disagree."""

import json

import pytest

from core.errors import BundleError, TaskError, UsageError
from core.models.bundle import CARD_FILE
from core.models.catalogue import check_task, find_task, read_catalogue
from core.system.paths import user_tasks, user_weights
from core.tasks import TASKS, Task, get_task, read_task
from tests.core.models.test_bundle import make_card

LABELS = (("cat", "Cat"), ("dog", "Dog"), ("fox", "Red fox"))
GOOD = """
id = "pets"
name = "Pets"
colour = true
classes = [{ id = "cat", name = "Cat" }, { id = "dog", name = "Dog" }]
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "own"))
    user_tasks().mkdir(parents=True)


def task(labels=LABELS, *, colour=True, task_id="pets"):
    classes = [{"id": label, "name": name} for label, name in labels]
    return Task.model_validate({"id": task_id, "name": "Pets", "colour": colour, "classes": classes})


def install(role, definition, labels=LABELS, task_id="pets"):
    """Write a bundle's card; its weights are not read here."""
    card = make_card(task=task_id, classes=tuple(label for label, _name in labels), role=role, definition=definition)
    folder = user_weights() / card.id
    folder.mkdir(parents=True)
    (folder / CARD_FILE).write_text(card.model_dump_json())
    return folder


def test_the_tasks_that_come_along_have_the_labels_of_their_data_sets():
    assert list(TASKS) == ["chest-xray", "lung-colon"]
    assert get_task("chest-xray").class_ids == ("COVID-19", "Non-COVID", "Normal")
    assert get_task("lung-colon").class_ids == ("colon_aca", "colon_n", "lung_aca", "lung_n", "lung_scc")
    assert (get_task("chest-xray").colour, get_task("lung-colon").colour) == (False, True)
    for bundle in read_catalogue().bundles.values():
        assert bundle.card.described_task == get_task(bundle.card.task)


def test_a_file_of_the_users_own_is_a_task_and_read_again_when_it_changes():
    file = user_tasks() / "pets.toml"
    file.write_text(GOOD)
    assert get_task("pets").class_name("cat") == "Cat"
    file.write_text(GOOD.replace('"Cat"', '"House cat"'))
    assert TASKS["pets"].class_name("cat") == "House cat"
    file.unlink()
    assert "pets" not in TASKS


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('id = "pets"', 'id = "../pets"', "id: String should match"),
        ('id = "pets"', "id = 7", "id: Input should be a valid string"),
        ('name = "Pets"', "", "name: Field required"),
        ('name = "Pets"', 'name = "   "', "name: String should have at least 1 character"),
        ('name = "Pets"', f'name = "{"x" * 101}"', "name: String should have at most 100"),
        ('name = "Pets"', r'name = "Pets\u001b[2J"', "name holds a control character"),
        ('name = "Dog"', r'name = "\u202egoD"', "name holds a control character"),
        ("colour = true", 'colour = "sepia"', "colour: Input should be a valid boolean"),
        ("colour = true", "colour = true\nowner = 1", "owner: Extra inputs are not permitted"),
        (', { id = "dog", name = "Dog" }', "", "classes: Tuple should have at least 2 items"),
        ('id = "dog"', 'id = "cat"', "two classes have the same id"),
        ('name = "Dog"', 'name = "Cat"', "two classes have the same name"),
        ('id = "dog"', 'id = ""', r"classes\.1\.id"),
        ("colour = true", "colour = = true", "not valid TOML"),
        ("colour = true", "a = " + 20_000 * "[", "not valid TOML"),
        ("colour = true", "# " + 600_000 * "x", "too large for a task"),
        ("classes = [", f'classes = [{", ".join(f"{{ id = {str(i)!r}, name = {str(i)!r} }}" for i in range(1001))}, ',
         "classes: Tuple should have at most 1000 items"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named_with_the_file_and_stops_nothing(old, new, named):
    assert old in GOOD
    file = user_tasks() / "pets.toml"
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(TaskError, match=named) as raised:
        read_task(file)
    assert raised.value.path == file
    assert raised.value.remedy
    assert list(TASKS) == ["chest-xray", "lung-colon"]
    found = read_catalogue()
    assert len(found.bundles) == 6
    assert [error.path for error in found.broken] == [file]


def test_no_file_replaces_another_task():
    (user_tasks() / "a.toml").write_text(GOOD)
    (user_tasks() / "b.toml").write_text(GOOD.replace('"Cat"', '"Lion"'))
    (user_tasks() / "c.toml").write_text(GOOD.replace('"pets"', '"chest-xray"'))
    assert get_task("pets").class_name("cat") == "Cat"
    assert get_task("chest-xray").name == "Chest X-ray"
    assert [error.path.name for error in TASKS.faults()] == ["b.toml", "c.toml"]


def test_a_bundle_brings_its_task_to_a_machine_that_never_saw_it():
    install("student", task())
    assert find_task("pets") == task()
    with pytest.raises(UsageError, match=r"no task 'birds'.*pets"):
        find_task("birds")


def test_of_an_older_bundle_the_labels_are_its_task():
    install("student", None)
    assert read_catalogue().bundles["pets/student-ofa595"].card.described_task.class_ids == ("cat", "dog", "fox")
    assert TASKS["pets"].class_name("fox") == "fox"
    install("teacher", task())
    read_catalogue()
    assert TASKS["pets"].class_name("fox") == "Red fox", "the bundle that knows more decides"


@pytest.mark.parametrize(
    "other",
    [
        task((("cat", "Cat"), ("dog", "Dog"))),
        task((("cat", "Dog"), ("dog", "Cat"), ("fox", "Red fox"))),
        task(colour=False),
    ],
    ids=["other labels", "other names", "other colour"],
)
def test_bundles_that_disagree_about_a_task_are_not_mixed(other):
    install("student", task())
    odd = install("teacher", other, labels=[(label.id, label.name) for label in other.classes])
    found = read_catalogue()
    assert [name for name in found.bundles if name.startswith("pets/")] == ["pets/student-ofa595"]
    (error,) = found.broken
    assert error.path == odd
    assert "other classes than the task pets" in error.problem
    assert TASKS["pets"] == task()
    with pytest.raises(BundleError, match="other classes"):
        check_task(found.bundles["pets/student-ofa595"].__class__(odd, make_card(
            task="pets", classes=other.class_ids, role="teacher", definition=other)))  # fmt: skip


def test_a_bundle_can_not_rename_the_classes_of_the_program():
    normal = [("COVID-19", "Normal"), ("Non-COVID", "Non-COVID infection"), ("Normal", "COVID-19")]
    install("student", task(normal, colour=False, task_id="chest-xray"), normal, "chest-xray")
    assert "other classes" in str(*read_catalogue().broken)
    assert get_task("chest-xray").class_name("Normal") == "Normal"


def test_the_users_own_names_are_shown_and_another_order_of_outputs_keeps_them():
    install("student", task())
    swapped = task((LABELS[2], LABELS[0], LABELS[1]))
    install("teacher", swapped, [LABELS[2], LABELS[0], LABELS[1]])
    (user_tasks() / "mine.toml").write_text(
        "id = 'pets'\nname = 'Haustiere'\ncolour = true\nclasses = ["
        "{ id = 'cat', name = 'Katze' }, { id = 'dog', name = 'Hund' }, { id = 'fox', name = 'Fuchs' }]"
    )
    found = read_catalogue()
    assert not found.broken
    names = [label.name for label in found.bundles["pets/teacher-ofa595"].card.described_task.classes]
    assert names == ["Fuchs", "Katze", "Hund"]


def test_a_definition_of_other_classes_than_the_card_is_refused():
    folder = install("student", task())
    raw = json.loads((folder / CARD_FILE).read_text())
    raw["classes"][0] = "cow"
    (folder / CARD_FILE).write_text(json.dumps(raw))
    assert "the definition is of another task or other classes" in str(*read_catalogue().broken)
