"""Bundles from strangers, imports that are cut off, and the two commands."""

import hashlib
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.core.test_bundle import make_card

from core.architectures import build_network
from core.bundle import CARD_FILE, WEIGHTS_FILE, read_bundle, write_bundle
from core.catalogue import import_bundle, read_catalogue, read_provenance, remove_bundle
from core.errors import BundleError
from core.folders import user_weights

ROOT = Path(__file__).resolve().parents[2]
ID = "lung-colon/student-ofa595"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A bundle of random weights as a stranger would send it."""
    torch.manual_seed(0)
    state = {key: value.numpy() for key, value in build_network("ofa595", 5).state_dict().items()}
    card = make_card(task="lung-colon", classes=("a", "b", "c", "d", "e"))
    return write_bundle(tmp_path_factory.mktemp("made") / "student-ofa595", state, card)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Data of a user of this test's own."""
    monkeypatch.setenv("TWINLENS_DATA", str(tmp_path / "data"))
    return user_weights()


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the bundle that may be spoilt."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in made.files:
        os.link(made.directory / name, folder / name)
    return folder


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
        import_bundle(source)
    assert str(source) in str(caught.value)
    assert caught.value.remedy
    assert left(home) == []


@pytest.mark.parametrize("folder", ["", "student-ofa595/", "lung-colon/student-ofa595/"])
def test_an_archive_with_a_bundle_at_any_depth_is_imported_without_the_rest(folder, made, home, tmp_path):
    source = zipped(
        tmp_path / "b.zip", *contents(made, folder), ("run.py", b"raise"), (folder + "novel.pkl", b"\x80"),
        ("__MACOSX/._card.json", b""),
    )  # fmt: skip
    bundle = import_bundle(source)
    assert left(home) == [f"{ID}/{CARD_FILE}", f"{ID}/{WEIGHTS_FILE}"]
    assert bundle.card == made.card
    bundle.verify()


def test_provenance_is_read_from_the_card_alone(made, home, tmp_path):
    source = zipped(tmp_path / "b.zip", contents(made)[0])
    found = read_provenance(source)
    assert (found.id, found.made_by, found.made_on) == (ID, "a test", "2026-01-01")
    assert found.digest == hashlib.sha256((made.directory / WEIGHTS_FILE).read_bytes()).hexdigest()
    assert found.replaces == "bundled"
    import_bundle(made.directory)
    assert read_provenance(made.directory).replaces == "own"
    remove_bundle(ID)


@pytest.mark.parametrize("name", ["../../evil.txt", "/etc/evil", "..\\evil", "C:evil"])
def test_an_archive_that_points_out_of_its_folder_is_refused(name, made, home, tmp_path):
    refused(zipped(tmp_path / "b.zip", *contents(made), (name, b"x")), home, "point out of its folder")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_with_no_bundle_two_bundles_or_a_file_twice_are_refused(made, home, tmp_path):
    card, weights = contents(made)
    refused(zipped(tmp_path / "1.zip", ("x", b"")), home, "holds 0 bundles")
    refused(zipped(tmp_path / "2.zip", card, ("b/card.json", card[1])), home, "holds 2 bundles")
    refused(zipped(tmp_path / "3.zip", card, weights, weights), home, "twice")
    refused(zipped(tmp_path / "4.zip", card), home, "no weights.safetensors")


def test_links_in_archives_and_folders_are_refused(made, home, tmp_path, copy):
    link = zipfile.ZipInfo(WEIGHTS_FILE)
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    refused(zipped(tmp_path / "b.zip", contents(made)[0], (link, b"/etc/passwd")), home, "is a link")
    (copy / WEIGHTS_FILE).unlink()
    (copy / WEIGHTS_FILE).symlink_to(made.directory / WEIGHTS_FILE)
    refused(copy, home, "link or a device")
    (copy / CARD_FILE).unlink()
    os.mkfifo(copy / CARD_FILE)
    refused(copy, home, "link or a device")
    with pytest.raises(BundleError, match="not a file"):
        read_bundle(copy)


def test_archives_that_unpack_to_too_much_are_refused_whatever_they_declare(made, home, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("core.bundle").bundle.FILE_LIMITS, WEIGHTS_FILE, 20_000_000)
    bomb = zipped(tmp_path / "b.zip", contents(made)[0], (WEIGHTS_FILE, bytes(30_000_000)))
    refused(bomb, home, "larger than 20 MB")
    content = bytearray(bomb.read_bytes())
    content = content.replace(struct.pack("<I", 30_000_000), struct.pack("<I", 1000))
    bomb.write_bytes(content)
    refused(bomb, home, "damaged|changed")
    refused(zipped(tmp_path / "c.zip", (CARD_FILE, b" " * 1_000_001), contents(made)[1]), home, "larger than 1 MB")


def test_archives_of_very_many_files_are_refused_before_their_list_is_read(made, home, tmp_path, monkeypatch):
    refused(zipped(tmp_path / "b.zip", *[(f"{i}", b"") for i in range(1001)]), home, "far more")
    many = zipped(tmp_path / "c.zip", *[(f"{i:0200}", b"") for i in range(5000)])
    monkeypatch.setattr("zipfile.ZipFile.infolist", None)
    refused(many, home, "far more")


def test_damaged_encrypted_and_oddly_compressed_archives_are_refused(made, home, tmp_path):
    good = zipped(tmp_path / "b.zip", *contents(made)).read_bytes()
    rng = np.random.default_rng(0)
    for i in range(12):
        content = bytearray(good[: len(good) * (i + 1) // 8] if i < 7 else good)
        content[rng.integers(len(content))] ^= 0x55
        content[-rng.integers(1, min(300, len(content)))] ^= 0x55
        (tmp_path / "c.zip").write_bytes(content)
        try:
            import_bundle(tmp_path / "c.zip")
        except BundleError as error:
            assert str(tmp_path / "c.zip") in str(error)  # noqa: PT017
        else:
            remove_bundle(ID)
    encrypted = bytearray(good)
    encrypted[6] |= 1
    at = encrypted.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    (tmp_path / "d.zip").write_bytes(encrypted)
    refused(tmp_path / "d.zip", home, "encrypted")
    refused(zipped(tmp_path / "e.zip", *contents(made), kind=zipfile.ZIP_LZMA), home, "unusual")


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


def test_an_import_that_fails_leaves_the_old_bundle(made, copy, home):
    import_bundle(made.directory)
    with pytest.raises(BundleError):
        import_bundle(spoilt(copy, tensors({"w": F32}, bytes(8))))
    assert read_catalogue([home]).bundles[ID].card == made.card


def test_a_full_disk_is_said_in_words(made, home, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    refused_words = "can't be (copied|written).*No space left"
    with pytest.raises(BundleError, match=refused_words):
        import_bundle(made.directory)
    assert left(home) == []


SCRIPT = """
import os, random, signal, sys, threading, time
sys.path[:0] = [{root!r}]
from pathlib import Path
import core.bundle, core.catalogue
core.bundle.Bundle.load_network = lambda self: self.verify()
sources, seed = [Path(p) for p in sys.argv[1:3]], int(sys.argv[3])
calls = [0]
def hook(event, arguments):
    # die at a random one of the file operations of an import
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.listdir"):
        calls[0] += 1
        if calls[0] == seed:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
core.catalogue.import_bundle(sources[1])
"""


def test_an_import_that_is_killed_leaves_the_old_bundle_or_the_new_one(made, home, tmp_path):
    """A process is killed at one after another of an import's file operations; what is found then is never half."""
    state = {key: value + 1 for key, value in made.read_state().items()}
    newer = write_bundle(tmp_path / "newer", state, made.card)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(root=str(ROOT)))
    seen, killed = [], 0
    for at in range(1, 400):
        import_bundle(made.directory) if not killed or seen[-1] == newer.card.weights_sha256 else None
        ended = subprocess.run([sys.executable, script, made.directory, newer.directory, str(at)], check=False)
        found = read_catalogue([home]).bundles[ID]
        found.verify()
        seen.append(found.card.weights_sha256)
        assert seen[-1] in (made.card.weights_sha256, newer.card.weights_sha256)
        killed += ended.returncode == -signal.SIGKILL
        if ended.returncode == 0:
            break
    assert killed > 5
    assert set(seen) == {made.card.weights_sha256, newer.card.weights_sha256}
    import_bundle(made.directory)
    assert left(home) == [f"{ID}/{CARD_FILE}", f"{ID}/{WEIGHTS_FILE}"]


def test_the_commands_import_show_where_it_comes_from_and_remove(made, home, tmp_path):
    def core(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "core", *map(str, arguments)],
            capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        )  # fmt: skip

    answer = core("import", zipped(tmp_path / "b.zip", *contents(made)))
    assert answer.returncode == 0, answer.stderr
    assert made.card.weights_sha256 in answer.stdout
    assert "made by a test, 2026-01-01" in answer.stdout
    assert read_catalogue([home]).bundles[ID].card == made.card
    assert core("remove", ID).returncode == 0
    assert left(home) == []
    again = core("remove", ID)
    assert again.returncode == 2
    assert "among your own" in again.stderr
    missing = core("import", tmp_path / "none")
    assert missing.returncode == 1
    assert "none: It can't be opened" in missing.stderr
