import json

from tiny_training import tiny_recipe, write_images
from typer.testing import CliRunner

from core.models.catalogue import read_catalogue
from training.cli.app import app
from training.loop.model_size import model_size
from training.runs.networks import build


def test_the_size_is_that_of_the_network_that_is_trained():
    recipe = tiny_recipe()
    network, _started = build(recipe.model, 3, (recipe.size, recipe.size), seed=1)
    found = model_size(recipe)
    assert found.parameters == sum(p.numel() for p in network.parameters())
    assert found.network == f"OFA subnet {recipe.model.subnet.digest}"


def test_the_size_of_a_bundled_recipe_is_that_of_the_installed_model():
    card = read_catalogue().bundles["chest-xray/student-ofa595"].card
    done = CliRunner().invoke(app, ["outline", "--recipe", "chest-xray-ofa595", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"network": "OFA-595", "parameters": card.parameters, "macs": card.macs}


def test_check_data_tells_its_progress_before_the_report(tmp_path):
    data = write_images(tmp_path / "images", 20)
    done = CliRunner().invoke(app, ["check-data", str(data), "--json", "--events", "json"])
    lines = done.stdout.splitlines()
    told = [json.loads(line) for line in lines if line.startswith('{"event"')]
    assert told[-1] == {"event": "Preparing", "what": "Reading", "done": 20, "total": 20}
    assert json.loads("\n".join(lines[len(told) :]))["images"] == 20
