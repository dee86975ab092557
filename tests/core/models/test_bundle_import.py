"""Bundles from strangers, imports that are cut off, and the two commands."""

import hashlib
import json
import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from task_samples import LUNG_COLON
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import BundleError, UsageError, WriteError
from core.models.architectures import build_network
from core.models.bundle import CARD_FILE, FILE_LIMITS, WEIGHTS_FILE, Bundle, read_bundle
from core.models.bundle_writing import write_bundle
from core.models.catalogue import import_bundle, read_catalogue, read_provenance, remove_bundle
from core.models.origin import ORIGIN_FILE
from core.system.paths import user_weights
from tests.core.models.test_bundle import make_card

ROOT = Path(__file__).resolve().parents[3]
ID = "lung-colon/student-ofa595"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A bundle of random weights as a stranger would send it."""
    torch.manual_seed(0)
    state = {key: value.numpy() for key, value in build_network("ofa595", 5).state_dict().items()}
    card = make_card(task="lung-colon", classes=LUNG_COLON.class_ids)
    return write_bundle(tmp_path_factory.mktemp("made") / "student-ofa595", state, card)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A bundle that is whole but for the tensors of its network."""
    card = make_card(task="lung-colon", classes=LUNG_COLON.class_ids)
    return write_bundle(tmp_path_factory.mktemp("small") / "student-ofa595", {"w": np.ones(2000, np.float32)}, card)


@pytest.fixture
def any_network(monkeypatch):
    """Take the small bundle for one of a network."""
    monkeypatch.setattr("core.models.bundle.Bundle.load_network", lambda bundle: bundle.verify())


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Data of a user of this test's own."""
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    return user_weights()


@pytest.fixture
def copy(small, tmp_path):
    """A copy of the small bundle that may be spoilt."""
    return shutil.copytree(small.directory, tmp_path / "copy")


def import_(source):
    return import_bundle(source, Bundle.load_network)


def zipped(path, *entries, kind=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", kind) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return path


def contents(made, folder=""):
    return [(folder + name, (made.directory / name).read_bytes()) for name in (CARD_FILE, WEIGHTS_FILE)]


def left(home):
    return sorted(str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()) if home.exists() else []


def refused(source, home, said):
    with pytest.raises(BundleError, match=said) as caught:
        import_(source)
    assert str(source) in str(caught.value)
    assert caught.value.remedy
    assert left(home) == []


@pytest.mark.parametrize("folder", ["", "student-ofa595/", "lung-colon/student-ofa595/"])
def test_an_archive_with_a_bundle_at_any_depth_is_imported_without_the_rest(folder, small, home, tmp_path, any_network):
    source = zipped(
        tmp_path / "b.zip", *contents(small, folder), ("run.py", b"raise"), (folder + "novel.pkl", b"\x80"),
        ("__MACOSX/._card.json", b""),
    )  # fmt: skip
    bundle = import_(source)
    assert left(home) == [f"{ID}/{CARD_FILE}", f"{ID}/{ORIGIN_FILE}", f"{ID}/{WEIGHTS_FILE}"]
    assert bundle.card == small.card
    bundle.verify()


def test_provenance_is_read_from_the_card_alone(small, home, tmp_path, any_network):
    source = zipped(tmp_path / "b.zip", contents(small)[0])
    found = read_provenance(source)
    assert (found.id, found.made_by, found.made_on) == (ID, "a test", "2026-01-01")
    assert found.digest == hashlib.sha256((small.directory / WEIGHTS_FILE).read_bytes()).hexdigest()
    assert found.replaces == "bundled"
    import_(small.directory)
    assert read_provenance(small.directory).replaces == "own"
    remove_bundle(ID)


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil", "..\\evil", "C:evil"])
def test_an_archive_that_points_out_of_its_folder_is_refused(name, small, home, tmp_path):
    refused(zipped(tmp_path / "b.zip", *contents(small), (name, b"x")), home, "point out of its folder")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_with_no_bundle_two_bundles_or_a_file_twice_are_refused(small, home, tmp_path):
    card, weights = contents(small)
    refused(zipped(tmp_path / "1.zip", ("x", b"")), home, "holds 0 bundles")
    refused(zipped(tmp_path / "2.zip", card, ("b/card.json", card[1])), home, "holds 2 bundles")
    refused(zipped(tmp_path / "3.zip", card, weights, weights), home, "twice")
    refused(zipped(tmp_path / "4.zip", card), home, "no weights.safetensors")


def test_links_in_archives_and_folders_are_refused(small, home, tmp_path, copy):
    link = zipfile.ZipInfo(WEIGHTS_FILE)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(zipped(tmp_path / "b.zip", contents(small)[0], (link, b"/etc/passwd")), home, "is a link")
    (copy / WEIGHTS_FILE).unlink()
    (copy / WEIGHTS_FILE).symlink_to(small.directory / WEIGHTS_FILE)
    refused(copy, home, "link or a device")
    (copy / CARD_FILE).unlink()
    os.mkfifo(copy / CARD_FILE)
    refused(copy, home, "link or a device")
    with pytest.raises(BundleError, match="not a file"):
        read_bundle(copy)


def test_archives_that_unpack_to_too_much_are_refused_whatever_they_declare(small, home, tmp_path, monkeypatch):
    monkeypatch.setitem(FILE_LIMITS, WEIGHTS_FILE, 20_000_000)
    bomb = zipped(tmp_path / "b.zip", contents(small)[0], (WEIGHTS_FILE, bytes(30_000_000)))
    refused(bomb, home, "larger than 20 MB")
    content = bytearray(bomb.read_bytes())
    content = content.replace(struct.pack("<I", 30_000_000), struct.pack("<I", 1000))
    bomb.write_bytes(content)
    refused(bomb, home, "damaged|changed")
    refused(zipped(tmp_path / "c.zip", (CARD_FILE, b" " * 1_000_001), contents(small)[1]), home, "larger than 1 MB")


def test_archives_of_very_many_files_are_refused_before_their_list_is_read(small, home, tmp_path, monkeypatch):
    refused(zipped(tmp_path / "b.zip", *[(f"{i}", b"") for i in range(1001)]), home, "far more")
    many = zipped(tmp_path / "c.zip", *[(f"{i:0200}", b"") for i in range(5000)])
    monkeypatch.setattr("zipfile.ZipFile.infolist", None)
    refused(many, home, "far more")


def test_damaged_encrypted_and_oddly_compressed_archives_are_refused(small, home, tmp_path, any_network):
    good = zipped(tmp_path / "b.zip", *contents(small)).read_bytes()
    rng = np.random.default_rng(0)
    for i in range(12):
        content = bytearray(good[: len(good) * (i + 1) // 8] if i < 7 else good)
        content[rng.integers(len(content))] ^= 0x55
        content[-rng.integers(1, min(300, len(content)))] ^= 0x55
        (tmp_path / "c.zip").write_bytes(content)
        try:
            import_(tmp_path / "c.zip")
        except BundleError as error:
            assert str(tmp_path / "c.zip") in str(error)
        else:
            remove_bundle(ID)
    encrypted = bytearray(good)
    encrypted[6] |= 1
    at = encrypted.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    (tmp_path / "d.zip").write_bytes(encrypted)
    refused(tmp_path / "d.zip", home, "encrypted")
    refused(zipped(tmp_path / "e.zip", *contents(small), kind=zipfile.ZIP_LZMA), home, "unusual")


def test_a_card_with_an_input_that_its_network_does_not_take_is_refused(copy, home):
    card = json.loads((copy / CARD_FILE).read_text())
    card |= {"network": "visformer_small", "preprocessing": {"height": 65, "width": 64}}
    (copy / CARD_FILE).write_text(json.dumps(card))
    refused(copy, home, "Visformer-S does not take images of 64 × 65 pixels")


def test_what_is_neither_folder_nor_archive_is_refused(home, tmp_path):
    refused(tmp_path / "none", home, "can't be opened")
    (tmp_path / "text").write_text("x")
    refused(tmp_path / "text", home, "neither a folder nor a .zip")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", home, "neither a folder nor a file")


def spoilt(copy, weights=None, **changes):
    """Put other weights, with a matching checksum, or other words into a copy of the bundle."""
    card = json.loads((copy / CARD_FILE).read_text()) | changes
    if weights is not None:
        (copy / WEIGHTS_FILE).unlink()
        (copy / WEIGHTS_FILE).write_bytes(weights)
        card["weights_sha256"] = hashlib.sha256(weights).hexdigest()
    (copy / CARD_FILE).unlink()
    (copy / CARD_FILE).write_text(json.dumps(card))
    return copy


def tensors(header, body=b""):
    packed = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(packed)) + packed + body


F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "weights",
    [
        b"\x80\x04\x95cos\nsystem\n",
        b"PK\x03\x04",
        b"",
        struct.pack("<Q", 1 << 63) + b"{}",
        struct.pack("<Q", 0xFFFFFFFFFFFFFFFF),
        tensors(b"[" * 100_000),
        tensors({"w": {**F32, "data_offsets": [0, 1 << 40]}}, bytes(8)),
        tensors({"w": {**F32, "data_offsets": [8, 0]}}, bytes(8)),
        tensors({"w": {**F32, "shape": [1 << 62, 4]}}, bytes(8)),
        tensors({"w": {**F32, "shape": [-1]}}, bytes(8)),
        tensors({"w": {**F32, "dtype": "OBJECT"}}, bytes(8)),
        tensors({"w": F32, "v": F32}, bytes(8)),
        tensors({"w": F32}, bytes(8)),
    ],
)
def test_weights_that_attack_their_reader_are_refused(weights, copy, home):
    refused(spoilt(copy, weights), home, "safetensors|tensors")


def test_weights_far_larger_than_the_network_are_refused_before_they_are_read(copy, home, monkeypatch):
    monkeypatch.setattr("safetensors.numpy.load_file", None)
    refused(spoilt(copy, tensors({"w": F32}, bytes(40_000_000))), home, "larger than the weights of OFA-595")


@pytest.mark.parametrize(
    "changes",
    [
        {"licence": "MIT\x1b[2J"},
        {"intended_use": "harmless\u202eexe.gnp"},
        {"task": "../../x"},
        {"network": "os.system"},
        {"limits": ["x" * 2001]},
        {"surprise": 1},
        {"temperature": float("nan")},
    ],
)
def test_cards_that_command_a_terminal_leave_their_folder_or_overflow_are_refused(changes, copy, home):
    refused(spoilt(copy, **changes), home, "card")


def test_an_import_that_fails_leaves_the_old_bundle(small, copy, home, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("core.models.bundle.Bundle.load_network", lambda bundle: bundle.verify())
        import_(small.directory)
    with pytest.raises(BundleError):
        import_(spoilt(copy, tensors({"w": F32}, bytes(8))))
    assert read_catalogue([home]).bundles[ID].card == small.card


def test_a_full_disk_is_said_in_words(small, home, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(WriteError, match="disk is full"):
        import_(small.directory)
    assert left(home) == []


# imports the second bundle over the first in one child after another, each killed at a later one of its file operations
KILLED = """
import json, os, signal, sys
from pathlib import Path
import core.models.bundle, safetensors.numpy
from core.models import catalogue
old, new = map(Path, sys.argv[1:])
EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.listdir", "os.scandir", "shutil.rmtree")
found, code = [], None
while code != 0:
    catalogue.import_bundle(old, core.models.bundle.Bundle.verify)
    child = os.fork()
    if child == 0:
        left = len(found) + 1
        def hook(event, _arguments):
            global left
            if event in EVENTS:
                left -= 1
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(hook)
        catalogue.import_bundle(new, core.models.bundle.Bundle.verify)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    bundle = catalogue.read_catalogue([catalogue.user_weights()]).bundles["lung-colon/student-ofa595"]
    bundle.verify()
    found.append([code, bundle.card.weights_sha256])
print(json.dumps(found))
"""


def test_an_import_that_is_killed_leaves_the_old_bundle_or_the_new_one(small, home, tmp_path):
    newer = write_bundle(tmp_path / "newer", {"w": np.zeros(3000, np.float32)}, small.card)
    answer = subprocess.run(
        [sys.executable, "-c", KILLED, small.directory, newer.directory],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert [code for code, _digest in found] == [-signal.SIGKILL] * (len(found) - 1) + [0]
    assert len(found) > 20
    assert {digest for _code, digest in found} == {small.card.weights_sha256, newer.card.weights_sha256}
    assert found[-1][1] == newer.card.weights_sha256
    assert left(home) == [f"{ID}/{CARD_FILE}", f"{ID}/{ORIGIN_FILE}", f"{ID}/{WEIGHTS_FILE}"]


def test_the_commands_import_show_where_it_comes_from_and_remove(made, home, tmp_path):
    source = zipped(tmp_path / "b.zip", *contents(made), kind=zipfile.ZIP_STORED)
    answer = subprocess.run(
        [sys.executable, "-m", "core", "import", source], capture_output=True, encoding="utf-8", check=False, cwd=ROOT
    )
    assert answer.returncode == 0, answer.stderr
    assert made.card.weights_sha256 in answer.stdout
    assert "made by a test, 2026-01-01" in answer.stdout
    assert read_catalogue([home]).bundles[ID].card == made.card
    removed = CliRunner().invoke(app, ["remove", ID], catch_exceptions=False)
    assert removed.output == f"Removed {ID}\n"
    assert left(home) == []
    with pytest.raises(UsageError, match="among your own"):
        CliRunner().invoke(app, ["remove", ID], catch_exceptions=False)
    with pytest.raises(BundleError, match="none: It can't be opened"):
        CliRunner().invoke(app, ["import", str(tmp_path / "none")], catch_exceptions=False)
