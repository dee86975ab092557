"""Does this installation work? ``--self-test`` takes an image from file to window and report, and trains two steps.

What Twinlens does in processes of its own is done so here as well: decoding and training. Training is left out where it
is not installed.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import typer

from core.compare.session import Choice, ComparisonSession
from core.errors import TwinlensError
from core.images.demo import demonstration_radiograph
from core.images.reader import read_image
from core.models.bundle import Bundle
from core.models.catalogue import read_catalogue
from core.reports.writer import ReportWriter
from core.runtimes.load import load_runtime
from core.system.extras import missing_modules
from core.system.subprocesses import own_command
from core.tasks import get_task

IMAGE_SIZE = 64
# two steps of eight images
RECIPE = """
task = "chest-xray"
role = "student"
size = 64
model.network = "ofa595"
optim = { epochs = 1, batch = 8, lr = 1e-3, warmup = 0.5 }
"""


def self_test() -> int:
    """Run it all in a temporary folder, saying what works; return the exit code, 0 if everything does."""
    from gui.window.app import start

    demonstration = demonstration_radiograph()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _decode(demonstration, folder / "compressed.dcm")
            typer.echo("images: compressed DICOM is decoded")
            _load([b for b in read_catalogue().bundles.values() if b.card.task == "chest-xray"])
            typer.echo("models: each agrees with torch")
            if start([demonstration], folder / "window.png") or not (folder / "window.png").is_file():
                typer.echo("Error: the window did not show the comparison.", err=True)
                return 1
            typer.echo("window: the demonstration radiograph was compared, with both heat maps")
            _report(demonstration, folder / "report.pdf")
            typer.echo(f"report: {(folder / 'report.pdf').stat().st_size // 1000} kB")
            if missing_modules("train"):
                typer.echo("training: not installed")
            else:
                _train(demonstration, folder)
                typer.echo("training: two steps")
    except TwinlensError as error:
        typer.echo(f"Error: {error}", err=True)
        return 1
    typer.echo("Everything works.")
    return 0


def _decode(demonstration: Path, target: Path) -> None:
    """Write the demonstration radiograph as JPEG-LS, which only the decoder's own process reads, and read it again."""
    import pydicom
    from pydicom.uid import JPEGLSLossless

    dataset = pydicom.dcmread(demonstration)
    dataset.compress(JPEGLSLossless)
    dataset.save_as(target)
    if not np.array_equal(read_image(target).displayed(), read_image(demonstration).displayed()):
        raise TwinlensError("Compressed DICOM is decoded to other pixels.")


def _load(bundles: list[Bundle]) -> None:
    """Load the networks; one that falls back to another runtime is a failure."""
    for bundle in bundles:
        if notice := load_runtime(bundle).notice:
            raise TwinlensError(notice)


def _report(demonstration: Path, target: Path) -> None:
    """Write a report and draw its pages as the preview does."""
    from gui.export.pdf_pages import pdf_pages

    compared = ComparisonSession().examine(demonstration, Choice())
    if compared.image is None or compared.comparison is None:
        raise TwinlensError(str(compared.record.error))
    with ReportWriter(target) as report:
        report.add(compared.image, compared.comparison)
    if not pdf_pages(target, 200):
        raise TwinlensError("The report has no pages to show.")


def _train(demonstration: Path, folder: Path) -> None:
    """Train the student on cuttings of the demonstration radiograph: of each class eight, six of them for training."""
    pixels = np.rint(read_image(demonstration).displayed() * 255).astype(np.uint8)
    rows = ["path,label,split"]
    (folder / "data").mkdir()
    labels = get_task("chest-xray").class_ids
    for i in range(24):
        _write(folder / "data" / f"{i}.png", pixels[40 * i :, 20 * i :][:IMAGE_SIZE, :IMAGE_SIZE])
        rows.append(f"{i}.png,{labels[i % 3]},{'val' if i >= 18 else 'train'}")
    (folder / "data" / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    command = own_command(
        "training", "teacher", "--recipe", str(folder / "recipe.toml"), "--data", str(folder / "data"),
        "--out", str(folder / "run"),
    )  # fmt: skip
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)  # noqa: S603 - our own command
    if ended.returncode:
        raise TwinlensError(f"The training did not finish: {ended.stderr.strip()}")


def _write(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(np.ascontiguousarray(pixels)).save(path)
