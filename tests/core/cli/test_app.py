"""The headless contract, through the door that scripts use."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader
from task_samples import CHEST_XRAY, LUNG_COLON

from core.images.demo import demonstration_radiograph


def core(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=cwd or Path(__file__).resolve().parents[3],
    )


@pytest.fixture(scope="module")
def chest():
    return demonstration_radiograph()


@pytest.fixture(scope="module")
def tile(tmp_path_factory):
    rng = np.random.default_rng(0)
    pixels = np.clip(rng.normal([200, 120, 180], 30, (300, 300, 3)), 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("tiles") / "Gewebe ü 組織.png"
    Image.fromarray(pixels).save(path)
    return path


def test_models_lists_the_installed_bundles_with_scores_and_checksums():
    answer = core("models", "--json")
    assert answer.returncode == 0, answer.stderr
    models = {m["id"]: m for m in json.loads(answer.stdout)["models"]}
    assert {"chest-xray/teacher-vgg19", "chest-xray/student-ofa595"} <= models.keys()
    assert {"lung-colon/teacher-vgg19", "lung-colon/student-ofa595"} <= models.keys()
    assert models["chest-xray/student-ofa595"]["parameters"] == 7_603_539
    for model in models.values():
        assert model["checksum"] == "ok"
        assert model["scores"][0]["accuracy"] > 0.8


def test_models_in_a_pipe_are_tab_separated_lines():
    lines = core("models").stdout.splitlines()
    assert len({line.count("\t") for line in lines}) == 1
    assert lines[0].startswith("model\t")


def test_compare_answers_as_the_contract_says(chest, tile, tmp_path):
    table = tmp_path / "table.csv"
    answer = core("compare", chest, tile, "--json", "--csv", table)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    found = json.loads(answer.stdout)["images"]
    assert [image["path"] for image in found] == [str(chest), str(tile)]
    assert [image["task"] for image in found] == ["chest-xray", "lung-colon"]
    for image, task in zip(found, (CHEST_XRAY, LUNG_COLON), strict=True):
        assert image["error"] is None
        for side in ("teacher", "student"):
            said = image[side]
            assert tuple(said["probabilities"]) == task.class_ids
            assert sum(said["probabilities"].values()) == pytest.approx(1)
            assert said["predicted"] == max(said["probabilities"], key=said["probabilities"].get)
            assert said["model"].startswith(f"{task.id}/{side}-")
            assert said["latency_ms"] > 0
            assert "novel" in said
        assert image["agreement"].keys() >= {"same_class", "js_divergence", "cam_pearson", "cam_iou20"}
        assert image["agreement"]["cam_pearson"] is not None
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["path"] for row in rows] == [str(chest), str(tile)]
    for row, image in zip(rows, found, strict=True):
        label = image["student"]["predicted"]
        assert float(row[f"student_p_{label}"]) == pytest.approx(image["student"]["probabilities"][label])
        assert "Not for diagnosis" in row["notice"]


def test_one_bad_file_does_not_stop_the_rest_and_ends_with_1(chest, tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    shutil.copy(chest, folder / "b.dcm")
    answer = core("compare", folder / "a.png", folder / "b.dcm", folder / "missing.jpg", "--json", "--cam", "none")
    assert answer.returncode == 1
    found = json.loads(answer.stdout)["images"]
    assert [image["error"] is None for image in found] == [False, True, False]
    assert "a.png" in found[0]["error"]
    assert found[0]["teacher"] is None
    assert found[1]["agreement"]["cam_pearson"] is None
    assert "2 of 3 images could not be read" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_folders_and_patterns_are_expanded(chest, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    shutil.copy(chest, tmp_path / "deep" / "er" / "one.dcm")
    shutil.copy(chest, tmp_path / "deep" / "two")
    (tmp_path / "deep" / "notes.txt").write_text("not an image")
    by_folder = core("compare", tmp_path, "--json", "--cam", "none")
    assert by_folder.returncode == 0, by_folder.stderr
    names = [Path(image["path"]).name for image in json.loads(by_folder.stdout)["images"]]
    assert sorted(names) == ["one.dcm", "two"]
    by_pattern = core("compare", f"{tmp_path}/**/*.dcm", "--json", "--cam", "none")
    assert [Path(i["path"]).name for i in json.loads(by_pattern.stdout)["images"]] == ["one.dcm"]


def test_lines_for_a_person_name_classes_in_words(chest):
    answer = core("compare", chest, "--cam", "none")
    assert answer.returncode == 0, answer.stderr
    assert "Non-COVID infection" in answer.stdout
    assert "VGG19" in answer.stdout
    assert "OFA-595" in answer.stdout
    assert "\x1b" not in answer.stdout
    assert "compared" not in answer.stdout, "one image needs no summing up"


def test_many_images_end_with_a_line_that_accounts_for_all(chest, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    leg = chest.with_name("RG3_UNCR.dcm")
    files = (chest, leg, leg, tmp_path / "broken.png")
    said = core("compare", *files, "--cam", "none", "--no-history").stdout.splitlines()[-1]
    answer, *_ = json.loads(core("compare", chest, "--json", "--cam", "none", "--no-history").stdout)["images"]
    agree = int(answer["agreement"]["same_class"])
    unsure = int(any(len(answer[side]["plausible"]) != 1 for side in ("teacher", "student")))
    assert said == (
        "4 images: 1 compared, 2 not assessable, 1 could not be read. "
        f"The models agree on {agree} and disagree on {1 - agree}; one or both are uncertain about {unsure}."
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["compare", "x.png", "--task", "knee"], "no task 'knee'"),
        (["compare", "x.png", "--cam", "slow"], "slow"),
        (["compare"], "Missing argument"),
        (["fly"], "No such command"),
    ],
)
def test_wrong_usage_ends_with_2(arguments, said):
    answer = core(*arguments)
    assert answer.returncode == 2
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_model_that_is_not_installed_is_wrong_usage(chest):
    answer = core("compare", chest, "--teacher", "visformer_small")
    if "chest-xray/teacher-visformer_small" in core("models").stdout:
        pytest.skip("Visformer-S is installed")
    assert answer.returncode == 2
    assert "Installed are" in answer.stderr


def test_an_empty_folder_says_so(tmp_path):
    answer = core("compare", tmp_path)
    assert answer.returncode == 2
    assert "no images" in answer.stderr


def test_the_table_is_not_left_half_written(chest, tmp_path):
    target = tmp_path / "table.csv"
    target.write_text("kept")
    answer = core("compare", chest, "--teacher", "nonsense", "--csv", target)
    assert answer.returncode == 2
    assert target.read_text() == "kept"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_importing_core_does_not_import_anything_heavy():
    script = "import core, sys; print(sorted({'torch', 'cv2', 'numpy', 'openvino', 'timm'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout.strip() == "[]"


def test_a_comparison_and_its_report_need_no_torch(chest, tmp_path):
    """Blocked is what a base installation lacks."""
    report = tmp_path / "report.pdf"
    script = (
        "import sys\n"
        "gone = ('torch', 'torchvision', 'timm', 'ofa', 'pytorch_grad_cam', 'onnxscript', 'onnxruntime')\n"
        "sys.modules.update(dict.fromkeys(gone))\n"
        f"sys.argv = ['core', 'compare', {str(chest)!r}, '--cam', 'none', '--json', '--report', {str(report)!r}]\n"
        "from core.cli.app import main\n"
        "main()"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False)
    assert answer.returncode == 0, answer.stderr
    (found,) = json.loads(answer.stdout)["images"]
    assert found["teacher"]["runtime"] == found["student"]["runtime"] == "openvino"
    assert report.read_bytes().startswith(b"%PDF")


def test_institution_reader_and_logo_stand_on_the_report(chest, tmp_path):
    report, logo = tmp_path / "report.pdf", tmp_path / "logo.png"
    Image.new("RGB", (300, 100), (200, 0, 0)).save(logo)
    named = ("--institution", "St Mary's, Radiology", "--reader", "Dr Jane Roe")
    answer = core("compare", chest, "--cam", "none", "--report", report, *named, "--logo", logo)
    assert answer.returncode == 0, answer.stderr
    for page in PdfReader(report).pages:
        assert "St Mary's, Radiology" in page.extract_text()
        assert [found.image.getpixel((150, 50)) for found in page.images if found.image.size == (300, 100)] == [
            (200, 0, 0)
        ]
    assert "Dr Jane Roe" in PdfReader(report).pages[0].extract_text()


def test_a_logo_that_can_not_be_drawn_is_refused_before_anything_is_compared(chest, tmp_path):
    logo = tmp_path / "logo.svg"
    logo.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    answer = core("compare", chest, "--report", tmp_path / "report.pdf", "--logo", logo)
    assert answer.returncode == 2
    assert "Only the window can draw an SVG logo. Name a PNG or JPEG file." in answer.stderr.replace("\n", " ")
    assert not (tmp_path / "report.pdf").exists()


def test_listing_models_does_not_import_torch():
    script = (
        "import sys; sys.argv = ['core', 'models']\n"
        "from core.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'timm', 'openvino', 'pytorch_grad_cam'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
