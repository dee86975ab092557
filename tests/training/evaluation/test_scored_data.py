"""A run is scored on what its training never saw, whatever has become of its data since."""

import errno
import json
import os
import shutil
from dataclasses import replace

import pytest
from dataset_samples import radiograph, save
from safetensors.torch import save_file
from tiny_training import CLASSES, SMALL_SUBNET
from typer.testing import CliRunner

from core.images.preprocessing import Preprocessing
from core.models.architectures import build_network
from core.models.ofa_subnets import Subnet
from training.cli.app import app
from training.data.loading import DatasetError, open_dataset
from training.evaluation.scored_data import open_scored
from training.runs.finished import read_run
from training.runs.records import RunError
from training.runs.split import RunSplit, read_split, split_of
from training.runs.training_set import open_run_data


@pytest.fixture(scope="module")
def run_and_data(tmp_path_factory):
    """A finished run of random weights with its split, on class folders without one."""
    data, run = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("run")
    for number in range(90):
        save(data / CLASSES[number % 3] / f"{number:03d}.png", radiograph(number))
    subnet = Subnet.model_validate(SMALL_SUBNET)
    save_file(build_network("ofa595", 3, "gap", subnet, (32, 32)).state_dict(), run / "weights.safetensors")
    split = split_of(open_dataset(data), {})
    split.write(run / "split.csv")
    facts = {
        "status": "finished", "task": "chest-xray", "classes": CLASSES, "role": "student", "network": "ofa595",
        "head": "gap", "subnet": SMALL_SUBNET, "data_digest": split.digest(), "started_from": "random weights",
        "preprocessing": Preprocessing(height=32, width=32, channels="grey").model_dump(), "lineage": [],
    }  # fmt: skip
    (run / "run.json").write_text(json.dumps(facts))
    return run, data


@pytest.fixture
def own(run_and_data, tmp_path):
    """A copy of the data that may be changed, beside the run."""
    return run_and_data[0], shutil.copytree(run_and_data[1], tmp_path / "data")


def of(split, data):
    return sorted(s.path for s in open_dataset(data).samples if s.split == split)


def scored(run, data):
    found = open_scored(read_run(run), data)
    return {s.path.name for s in found.of("test", CLASSES)}, " ".join(found.notes)


def test_unchanged_data_need_no_words(own):
    run, data = own
    tested, notes = scored(run, data)
    assert tested == {path.name for path in of("test", data)}
    assert notes == ""


def test_names_that_are_no_utf_8_or_end_in_a_space_keep_their_place_in_the_split(own, tmp_path):
    _run, data = own
    names = (os.fsdecode(b"M\xfcller.png"), "space .png ", 'comma, "quote".png')
    for path, name in zip(of("test", data), names, strict=False):
        path.rename(path.with_name(name))
    split = split_of(open_dataset(data), {})
    split.write(tmp_path / "split.csv")
    assert read_split(tmp_path / "split.csv") == split
    assert split.digest() == open_dataset(data).digest()
    assert {name for name in names if any(row.path.endswith(name) for row in split.rows)} >= {names[0], names[2]}
    (tmp_path / "split.csv").write_bytes((tmp_path / "split.csv").read_bytes()[:-30])
    with pytest.raises(DatasetError, match="split is damaged"):
        read_split(tmp_path / "split.csv")


def test_the_split_stays_although_the_data_set_brings_another_one_now(own):
    """All that was trained on is called test now."""
    run, data = own
    before = {path.name for path in of("test", data)}
    lines = [f"{s.path.relative_to(data)},{s.label},test" for s in open_dataset(data).samples]
    (data / "manifest.csv").write_text("\n".join(["path,label,split", *lines]))
    tested, notes = scored(run, data)
    assert tested == before
    assert f"another split now, which keep the run's: {90 - len(before)} (e.g." in notes


def test_what_has_changed_is_told_and_what_was_trained_on_is_never_scored(own):
    run, data = own
    trained, tested = of("train", data), of("test", data)
    kept = [s for s in open_dataset(data).samples if s.path != tested[0]]
    lines = [f"{s.path.relative_to(data)},{s.label},{s.split}" for s in kept]
    lines += [f"{CLASSES[0]}/{name},{CLASSES[0]},test" for name in ("copy.png", "saved-again.jpg", "new.png")]
    (data / "manifest.csv").write_text("\n".join(["path,label,split", *lines]))
    folder = data / CLASSES[0]
    shutil.copy(trained[0], folder / "copy.png")
    save(folder / "saved-again.jpg", radiograph(int(trained[1].stem)))  # nearly the same picture, other bytes
    save(folder / "new.png", radiograph(1234))
    save(tested[1], radiograph(777))
    found, notes = scored(run, data)
    assert found == {path.name for path in tested[1:]} | {"new.png"}
    for said in (
        "images that are new to the run: 2",
        f"no longer there: 1 (e.g. {tested[0].relative_to(data)}",
        f"files have changed: 1 (e.g. {tested[1].relative_to(data)}",
        "left out: 2",
    ):
        assert said in notes


def test_new_images_of_a_patient_that_was_trained_on_are_not_scored(own, tmp_path):
    run, data = own
    rows = split_of(open_dataset(data), {}).rows
    first = next(row for row in rows if row.split == "train")
    run = shutil.copytree(run, tmp_path / "run")
    RunSplit(tuple(replace(row, group="anna") if row == first else row for row in rows)).write(run / "split.csv")
    lines = [f"{s.path.relative_to(data)},{s.label},{s.split}," for s in open_dataset(data).samples]
    lines += [f"{first.label}/later-{name}.png,{first.label},test,{name}" for name in ("anna", "berta")]
    for seed, name in enumerate(("anna", "berta")):
        save(data / first.label / f"later-{name}.png", radiograph(2000 + seed))
    (data / "manifest.csv").write_text("\n".join(["path,label,split,patient_id", *lines]))
    tested, _notes = scored(run, data)
    assert "later-berta.png" in tested
    assert "later-anna.png" not in tested


def test_a_start_or_teacher_that_has_seen_the_images_is_said(own, tmp_path):
    run, data = own
    run = shutil.copytree(run, tmp_path / "run")
    contents = {row.sha256 for row in split_of(open_dataset(data), {}).of("test")[:2]}
    split_of(open_dataset(data), {"the run early": contents}).write(run / "split.csv")
    about = json.loads((run / "run.json").read_text())
    about["lineage"] = [{"role": "start", "name": "the bundle x", "on_record": False}]
    (run / "run.json").write_text(json.dumps(about))
    done = CliRunner().invoke(app, ["evaluate", str(run), "--data", str(data), "--runtime", "torch", "--json"])
    found = json.loads(done.stdout)
    notes = " ".join(found["notes"])
    assert "2 had been trained on by the run early" in notes
    assert "which images the bundle x was trained on is not on record; this network started from it" in notes
    assert found["started_from"] == "random weights"
    assert f"only {found['overall']['images']} images were scored" in notes


def test_what_thin_splits_can_not_tell_is_said_before_the_run(run_and_data, tmp_path):
    _run, data = run_and_data
    samples = open_dataset(data).samples
    splits = ["val" if i < 3 else "test" if i < 30 else "train" for i in range(90)]  # the first 30 are COVID-19
    lines = [f"{s.path},{s.label},{split}" for s, split in zip(samples, splits, strict=True)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,label,split", *lines]))
    said = " ".join(open_run_data(tmp_path, CLASSES).news)
    assert "val has only 3 images" in said
    assert "test has no images of Non-COVID, Normal" in said
    lines = [f"{s.path},{s.label},{('train', 'val', 'test')[i % 3]}" for i, s in enumerate(samples)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,label,split", *lines]))
    assert open_run_data(tmp_path, CLASSES).news == ()


def test_a_run_without_a_split_is_scored_on_the_very_same_data_only(own, tmp_path):
    run, data = own
    run = shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("split.csv"))
    assert scored(run, data)[0]
    save(data / CLASSES[0] / "new.png", radiograph(1234))
    with pytest.raises(RunError, match="is not known"):
        open_scored(read_run(run), data)


def test_images_that_can_not_be_read_are_left_out_and_counted_up_to_a_share(own, tmp_path):
    run, data = own
    samples = open_dataset(data).samples
    lines = [f"{s.path.relative_to(data)},{s.label},{'train' if i < 30 else 'test'}" for i, s in enumerate(samples)]
    (data / "manifest.csv").write_text("\n".join(["path,label,split", *lines]))
    run = shutil.copytree(run, tmp_path / "run")
    split_of(open_dataset(data), {}).write(run / "split.csv")
    words = ["evaluate", str(run), "--data", str(data), "--runtime", "torch", "--json"]
    samples[40].path.write_bytes(b"\x89PNG damaged")
    for _again in range(2):  # the second time from the cache
        found = json.loads(CliRunner().invoke(app, words).stdout)
        assert found["overall"]["images"] == 59
        assert [name for name, _reason in found["unreadable"]] == [samples[40].path.name]
        assert any("left out: 1 (e.g." in note for note in found["notes"])
    for sample in samples[41:44]:
        sample.path.write_bytes(b"\x89PNG damaged")
    refused = CliRunner().invoke(app, words)
    assert "images of the split 'test' can't be read" in str(refused.exception)


def test_a_name_that_is_no_utf_8_stops_no_evaluation(own, tmp_path):
    run, data = own
    tested = of("test", data)
    broken = tested[0].with_name(os.fsdecode(b"M\xfcller.png"))
    save(tested[0].rename(broken), radiograph(99))
    words = ["evaluate", str(run), "--data", str(data), "--runtime", "torch", "--report", str(tmp_path / "page.md")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert r"images that are new to the run: 1 (e.g. " in done.stdout
    assert r"M\xfcller.png" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_cache_without_room_stops_no_evaluation(own, monkeypatch):
    run, data = own

    def full(*_args, **_arrays):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("training.evaluation.predictions.np.savez", full)
    tested = of("test", data)
    save(tested[0], radiograph(4321))  # so that its answers are not there yet
    words = ["evaluate", str(run), "--data", str(data), "--runtime", "torch", "--json"]
    assert json.loads(CliRunner().invoke(app, words).stdout)["overall"]["images"] == len(tested)
