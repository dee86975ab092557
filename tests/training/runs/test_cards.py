"""A card is about its own data: read as the person would who trained a model on a folder of their own."""

import json

import pytest
import torch
from dataset_samples import radiograph, save
from tiny_training import CLASSES, tiny_recipe
from typer.testing import CliRunner

from core.errors import UsageError
from core.models.bundle import read_bundle
from core.models.card import Card
from core.reports.model_card import model_facts
from core.system.paths import package_weights
from training.cli.app import app
from training.loop.loop import train
from training.runs.card_texts import CARDS, CardTexts, card_texts_of
from training.runs.finished import read_run

OURS = ("COVID-QU-Ex", "8,476", "68.5", "MIT", "LC25000", "public images", "Kermany", "small children")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on 42 pictures of someone's own, in folders of classes."""
    data = tmp_path_factory.mktemp("data") / "Klinik Nord 2024"
    for number in range(42):
        save(data / CLASSES[number % 3] / f"{number}.png", radiograph(number, 32))
    out = tmp_path_factory.mktemp("runs") / "own"
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    train(tiny_recipe(optim__epochs=1), data, out)
    torch.set_num_threads(before)
    return out


def published(run, folder, *words):
    data = json.loads((run / "data.json").read_text())["folder"]
    for command in (
        ["evaluate", str(run), "--data", data, "--runtime", "torch"],
        ["publish", str(run), "--to", str(folder), "--runtime", "torch", *words],
    ):
        done = CliRunner().invoke(app, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    (card,) = folder.glob("chest-xray/*/card.json")
    return read_bundle(card.parent).card


def test_the_card_of_a_run_on_other_data_says_nothing_of_ours(run, tmp_path):
    card = published(run, tmp_path)
    page = model_facts(card)
    assert not [words for words in OURS if words in page]
    data = card.training.data_set
    assert (data.name, data.layout, data.total) == ("Klinik Nord 2024", "class folders", 42)
    about = json.loads((run / "data.json").read_text())
    assert data.images == about["counts"]
    assert card.training.data_digest == about["digest"]
    assert "Klinik Nord 2024 (class folders): 42 images" in card.training.data
    assert "from random weights" in card.training.method
    assert (card.intended_use, card.licence) == ("not stated", "not stated")
    assert "Patients or originals of the images are not recorded" in " ".join(card.limits)
    assert f"fitted to {card.conformal.images} validation images only" in " ".join(card.limits)
    (scores,) = card.scores
    assert scores.dataset == "test split of Klinik Nord 2024"
    assert f"Only {scores.images} images were scored" in scores.caution
    assert scores.accuracy_interval.high - scores.accuracy_interval.low > 0.2
    assert "No patient or original is known." in page


def test_what_a_person_states_stands_on_the_card_beside_what_was_counted(run, tmp_path):
    (tmp_path / "texts.toml").write_text(
        'data = "Nordic radiographs"\nimages = 42\nlimits = ["One scanner only."]\nlicence = "in the file"\n'
    )
    words = ["--card-texts", str(tmp_path / "texts.toml"), "--licence", "CC0", "--intended-use", "Teaching."]
    card = published(run, tmp_path / "weights", *words)
    assert (card.intended_use, card.licence) == ("Teaching.", "CC0")
    assert "Nordic radiographs (class folders): 42 images" in card.training.data
    assert card.scores[0].dataset == "test split of Nordic radiographs"
    assert "One scanner only." in card.limits
    assert "Klinik" not in model_facts(card)


def test_our_texts_are_refused_for_a_data_set_of_another_size(run):
    for path in CARDS.glob("*.toml"):
        with pytest.raises(UsageError, match="the run's has 42"):
            card_texts_of(path.stem).on(read_run(run).card)
    assert card_texts_of(None) == CardTexts()
    with pytest.raises(UsageError, match="no card texts"):
        card_texts_of("nothing")
    with pytest.raises(UsageError, match="licence"):
        card_texts_of(None, licence="x" * 501)


def test_the_installed_models_keep_their_texts_and_older_cards_are_read():
    for path in package_weights().glob("*/*/card.json"):
        card = Card.model_validate_json(path.read_text(encoding="utf-8"))
        images = {"chest-xray": "8,476", "lung-colon": "5,000"}[card.task]
        assert images in card.training.data
        assert card.licence.startswith("MIT")
        if card.training.maker != "Twinlens":  # whose figures no run counted
            assert card.training.data_set is None
        else:
            assert f"{card.training.data_set.total:,}" == images
