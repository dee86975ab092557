"""Nothing leaves the machine, and the patient's identity is kept nowhere."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from image_samples import compressed, dataset, picture

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

# runs ``python -m core`` where any use of the network is written down and fails
WITHOUT_NETWORK = """
import os, runpy, sys
def deny(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
                 "socket.gethostbyname", "socket.gethostbyaddr", "urllib.Request"):
        with open(os.environ["NETWORK_LOG"], "a") as log:
            log.write(f"{event} {arguments}\\n")
        raise OSError("the network is denied")
sys.addaudithook(deny)
sys.argv[0] = "core"
runpy.run_module("core", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """What ``core compare`` says of a DICOM image with a planted identity, and the folder that holds all it wrote.

    The cache is empty before, so that the networks are converted too: OpenVINO's converter is what reports to its maker.
    """
    folder = tmp_path_factory.mktemp("privacy")
    kept = {name: folder / "kept" / name for name in ("home", "tmp", "data", "cache", "out")}
    for place in kept.values():
        place.mkdir(parents=True)
    image = folder / "image.dcm"
    image.write_bytes(compressed(dataset(picture(12), bits=12, **PLANTED), "JPEG lossless"))
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT_NETWORK, "compare", image, "--json", "--csv", kept["out"] / "table.csv"],
        capture_output=True, encoding="utf-8", check=False, cwd=ROOT,
        env=os.environ | {
            "HOME": str(kept["home"]), "TMPDIR": str(kept["tmp"]), "XDG_CACHE_HOME": str(kept["home"] / ".cache"),
            "TWINLENS_DATA": str(kept["data"]), "TWINLENS_CACHE": str(kept["cache"]),
            "NETWORK_LOG": str(folder / "network.txt"), "PYTHONPATH": str(ROOT), "CI": "", "TF_BUILD": "",
        },
    )  # fmt: skip
    return answer, folder


def test_comparing_uses_no_network(compared):
    answer, folder = compared
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["images"][0]["error"] is None
    assert not (folder / "network.txt").exists(), (folder / "network.txt").read_text()


def test_nothing_is_left_in_the_home_or_in_temporary_files(compared):
    _answer, folder = compared
    for place in ("home", "tmp"):
        found = [str(p.relative_to(folder)) for p in (folder / "kept" / place).rglob("*") if p.is_file()]
        assert found == []


def test_the_identity_appears_in_no_output_and_no_file(compared):
    answer, folder = compared
    assert any((folder / "kept" / "cache").rglob("*.xml"))
    assert (folder / "kept" / "out" / "table.csv").stat().st_size
    texts = {"stdout": answer.stdout.encode(), "stderr": answer.stderr.encode()}
    texts |= {str(p): p.read_bytes() + str(p).encode() for p in (folder / "kept").rglob("*") if p.is_file()}
    for planted in {*PLANTED.values(), "PLANTED"}:
        for encoding in ("utf-8", "utf-16-le"):
            assert [name for name, text in texts.items() if planted.encode(encoding) in text] == []


def test_openvino_finds_no_telemetry_package():
    answer = subprocess.run(
        [sys.executable, "-c", "import core, openvino, sys; print(sys.modules['openvino_telemetry'],"
         " 'openvino.tools.ovc.telemetry_stub' in sys.modules)"],
        capture_output=True, encoding="utf-8", check=True, cwd=ROOT,
    )  # fmt: skip
    assert answer.stdout.split() == ["None", "True"]
