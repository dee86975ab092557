"""Nothing leaves the machine, and the patient's identity is kept nowhere."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from image_samples import compressed, dataset, picture

from core.images.demo import demonstration_radiograph
from core.system.paths import cache_folder

ROOT = Path(__file__).resolve().parents[2]
PLANTED = {
    "PatientName": "PLANTED^NAME",
    "PatientID": "PLANTED-ID",
    "PatientBirthDate": "19520304",
    "AccessionNumber": "PLANTED-ACC",
    "InstitutionName": "PLANTED HOSPITAL",
    "ReferringPhysicianName": "PLANTED^DOCTOR",
    "StudyDescription": "PLANTED STUDY",
    "OperatorsName": "PLANTED^OPERATOR",
}

# any use of the network is written down and fails; a socket bound to the machine itself (so urllib3 tries IPv6) is none
WITHOUT_NETWORK = """
import os, runpy, sys
EVENTS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
          "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request")
def deny(event, arguments):
    if event in EVENTS and not (event == "socket.bind" and arguments[1][0] in ("::1", "127.0.0.1")):
        with open(os.environ["NETWORK_LOG"], "a") as log:
            log.write(f"{event} {arguments}\\n")
        raise OSError("the network is denied")
sys.addaudithook(deny)
"""
COMPARE = (
    WITHOUT_NETWORK
    + """
sys.argv[0] = "core"
runpy.run_module("core", run_name="__main__", alter_sys=True)
"""
)
CONVERT = (
    WITHOUT_NETWORK
    + """
import core, openvino, torch
program = torch.export.export(torch.nn.Linear(3, 2), (torch.zeros(1, 3),))
print(openvino.convert_model(program).outputs[0].partial_shape)
"""
)


def run(folder, code, *arguments):
    """Run Python without a network, with a home and temporary files of its own below the folder."""
    places = {name: folder / "kept" / name for name in ("home", "tmp", "data", "out")}
    for place in places.values():
        place.mkdir(parents=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}  # core sets them
    environment = {
        "HOME": places["home"], "TMPDIR": places["tmp"], "XDG_CACHE_HOME": places["home"] / ".cache",
        "TWINLENS_DATA": places["data"], "NETWORK_LOG": folder / "network.txt", "PYTHONPATH": ROOT, "CI": "",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        env=inherited | {name: str(value) for name, value in environment.items()},
    )  # fmt: skip


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """What ``core compare`` says of a DICOM image with a planted identity, and the folder that holds what it wrote."""
    folder = tmp_path_factory.mktemp("privacy")
    image = folder / "image.dcm"
    image.write_bytes(compressed(dataset(picture(12), bits=12, **PLANTED), "JPEG lossless"))
    assert b"PLANTED" in image.read_bytes()
    return run(folder, COMPARE, "compare", image, "--json", "--csv", folder / "kept" / "out" / "table.csv"), folder


def test_comparing_uses_no_network(compared):
    answer, folder = compared
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["images"][0]["error"] is None
    assert not (folder / "network.txt").exists(), (folder / "network.txt").read_text()


def test_nothing_is_left_in_the_home_or_in_temporary_files(compared):
    _answer, folder = compared
    for place in ("home", "tmp"):
        assert [str(p) for p in (folder / "kept" / place).rglob("*") if p.is_file()] == []


def test_the_identity_appears_in_no_output_and_no_file(compared):
    answer, folder = compared
    words = [word.encode(code) for word in ("PLANTED", "19520304") for code in ("utf-8", "utf-16-le")]
    planted = re.compile(b"|".join(map(re.escape, words)))
    assert planted.search(b"... PLANTED^NAME ...")
    assert not planted.search((answer.stdout + answer.stderr).encode())
    searched = [p for root in (folder / "kept", cache_folder()) for p in root.rglob("*") if p.is_file()]
    assert "table.csv" in {p.name for p in searched}
    assert [str(p) for p in searched if planted.search(p.read_bytes()) or planted.search(str(p).encode())] == []


def test_onnx_runtime_reports_nothing_and_leaves_nothing(tmp_path):
    """It would upload what it did, and keep a device identifier in the home; native code, so the files tell."""
    image = demonstration_radiograph()
    answer = run(tmp_path, COMPARE, "compare", image, "--cam", "none", "--runtime", "onnxruntime")
    assert answer.returncode == 0, answer.stderr
    assert [p for p in (tmp_path / "kept" / "home").rglob("*") if p.is_file()] == []


def test_openvino_converts_without_reporting_it_or_marking_the_home(tmp_path):
    answer = run(tmp_path, CONVERT)
    assert answer.stdout.endswith(",2]\n"), answer.stderr
    assert not (tmp_path / "network.txt").exists()
    assert [p for p in (tmp_path / "kept" / "home").rglob("*") if "intel" in p.name.lower()] == []
