import pytest
import tomli_w
from tiny_training import tiny_recipe

from core.errors import UsageError
from core.system.paths import user_tasks
from training.recipe import to_toml
from training.recipe_files import RECIPES, is_for_any_task, read_recipe, recipes_for


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(to_toml(tiny_recipe()))
    return path


def test_a_resolved_recipe_reads_back_the_same(file):
    assert read_recipe(file) == tiny_recipe()
    assert read_recipe(file).digest() == tiny_recipe().digest()
    assert tiny_recipe(seed=1).digest() != tiny_recipe().digest()


def test_overrides(file):
    changed = read_recipe(file, ("optim.epochs=7", "loss.kind=dist", 'teachers.bundles=["a", "b"]', "augment.views=2"))
    assert changed.optim.epochs == 7
    assert changed.loss.kind == "dist"
    assert changed.teachers.bundles == ("a", "b")


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("optim.epochs=0", "optim.epochs"),
        ("optim.epohcs=5", "optim.epohcs"),
        ("optim.lr=nan", "optim.lr"),
        ("loss.alpha=1.5", "loss.alpha"),
        ("model.network=resnet", "There is no network 'resnet'"),
        ("task=brain", "There is no task 'brain'"),
        ("optim.accumulate=3", "batch is not a multiple of accumulate"),
        ('teachers.bundles=["a"]', "augment.views"),
        ("model.network=vgg19", "only ofa595 has subnets"),
        ("loss.hint=1", "exactly one teacher"),
        ("explanation.weight=1", "explanation needs a teacher"),
        ("hide={lungs_only=0.6, border=0.5}", "more than all views"),
        ("optim", "not of the form key=value"),
        ("seed.x=1", "not a table"),
    ],
)
def test_what_is_wrong_is_named(file, override, named):
    with pytest.raises(UsageError, match=named.replace(".", r"\.")):
        read_recipe(file, (override,))


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ("loss.class_weights=balanced", "balanced by class already"),
        ("loss.kind=dist", "a loss of each image alone"),
        ("augment.mixup=0.2", "a loss of each image alone"),
    ],
)
def test_groups_exclude_what_has_no_loss_for_each_image_and_class_weights(file, other, named):
    assert read_recipe(file, ("subgroups.dro=0.01", 'subgroups.by=["source", "population"]')).subgroups.wanted
    with pytest.raises(UsageError, match=named):
        read_recipe(file, ("subgroups.dro=0.01", other))


def test_tables_that_say_nothing_leave_a_recipe_and_its_digest_as_they_were(file, tmp_path):
    assert not {"[hide]", "[subgroups]", "[explanation]"} & set(file.read_text().splitlines())
    changed = read_recipe(file, ("hide.border=0.5", "subgroups.sampling=balanced"))
    path = tmp_path / "changed.toml"
    path.write_text(to_toml(changed))
    assert read_recipe(path) == changed
    assert changed.digest() != tiny_recipe().digest()


def test_mixing_and_cached_logits_exclude_each_other(file):
    with pytest.raises(UsageError, match=r"teachers\.cache = false"):
        read_recipe(file, ('teachers.bundles=["a"]', "augment.views=2", "augment.mixup=0.2"))


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "x.toml").write_text("epochs = = 3")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_recipe(tmp_path / "x.toml")
    with pytest.raises(UsageError, match="There is no recipe"):
        read_recipe(tmp_path / "y.toml")


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.toml")))
def test_the_recipes_that_come_along_are_valid(name):
    own = is_for_any_task(RECIPES / f"{name}.toml")
    recipe = read_recipe(RECIPES / f"{name}.toml", ("task=lung-colon",) if own else ())
    assert name.startswith("own" if own else recipe.task.id)
    assert (recipe.role == "student") == (recipe.model.network == "ofa595")


def test_a_recipe_for_any_task_needs_one_and_is_offered_to_tasks_without_recipes_of_their_own(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"none is named\. Name one with --task"):
        read_recipe(RECIPES / "own-student.toml")
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path))
    user_tasks().mkdir()
    classes = [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]
    task = {"id": "letters", "name": "Letters", "colour": True, "classes": classes}
    (user_tasks() / "letters.toml").write_text(tomli_w.dumps(task))
    assert recipes_for("letters", "student").keys() == {"own-student"}
    assert "chest-xray-ofa595" in recipes_for("chest-xray", "student")
    assert "own-student" not in recipes_for("chest-xray", "student")

    recipe = read_recipe(RECIPES / "own-student.toml", ("task=letters",))
    (tmp_path / "run.toml").write_text(to_toml(recipe))
    (user_tasks() / "letters.toml").unlink()
    assert read_recipe(tmp_path / "run.toml") == recipe, "a run's recipe holds its task"
    assert 'task = "chest-xray"' in to_toml(tiny_recipe())


def test_a_label_map_is_part_of_the_recipe_and_of_its_digest_only_where_there_is_one(file, tmp_path):
    labels = {"Viral Pneumonia": "Non-COVID", 'a "quoted" name': "Normal", "Lung_Opacity": ""}
    changed = read_recipe(file, ("label_map.COVID=COVID-19", "label_map.Lung_Opacity="))
    assert changed.label_map == {"COVID": "COVID-19", "Lung_Opacity": ""}
    path = tmp_path / "mapped.toml"
    path.write_text(to_toml(tiny_recipe(label_map=labels)))
    assert read_recipe(path).label_map == labels
    assert "label_map" not in to_toml(tiny_recipe())
    assert len({recipe.digest() for recipe in (tiny_recipe(), changed, read_recipe(path))}) == 3
    with pytest.raises(UsageError, match="'Flu' is none of the task's classes"):
        read_recipe(file, ("label_map.COVID=Flu",))
