"""Does this installation work? One image from file to window and report, and two steps of training: ``--self-test``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import typer

from core.batch import BatchComparer
from core.catalogue import read_catalogue
from core.demo import demonstration_radiograph
from core.errors import TwinlensError
from core.images import read_image
from core.report import ReportWriter
from core.tasks import CHEST_XRAY

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
    from gui.app import start

    demonstration = demonstration_radiograph()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            if start([demonstration], folder / "window.png") or not (folder / "window.png").is_file():
                typer.echo("Error: the window did not show the comparison.", err=True)
                return 1
            typer.echo("window: the demonstration radiograph was compared, with both heat maps")
            _report(demonstration, folder / "report.pdf")
            typer.echo(f"report: {(folder / 'report.pdf').stat().st_size // 1000} kB")
            _train(demonstration, folder)
            typer.echo("training: two steps")
    except TwinlensError as error:
        typer.echo(f"Error: {error}", err=True)
        return 1
    typer.echo("Everything works.")
    return 0


def _report(demonstration: Path, target: Path) -> None:
    compared = BatchComparer(read_catalogue()).examine(demonstration)
    if compared.image is None or compared.comparison is None:
        raise TwinlensError(str(compared.record["error"]))
    with ReportWriter(target) as report:
        report.add(compared.image, compared.comparison)


def _train(demonstration: Path, folder: Path) -> None:
    """Train the student on cuttings of the demonstration radiograph: of each class eight, six of them for training."""
    from training.loop import train
    from training.recipe import read_recipe

    pixels = np.rint(read_image(demonstration).displayed() * 255).astype(np.uint8)
    rows = ["path,label,split"]
    (folder / "data").mkdir()
    for i in range(24):
        _write(folder / "data" / f"{i}.png", pixels[40 * i :, 20 * i :][:IMAGE_SIZE, :IMAGE_SIZE])
        rows.append(f"{i}.png,{CHEST_XRAY.class_ids[i % 3]},{'val' if i >= 18 else 'train'}")
    (folder / "data" / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    ended = train(read_recipe(folder / "recipe.toml"), folder / "data", folder / "run")
    if ended.status != "finished":
        raise TwinlensError(f"The training did not finish: {ended.reason}.")


def _write(path: Path, pixels: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(np.ascontiguousarray(pixels)).save(path)
