"""What is opened while the window is driven: the demonstration radiograph altered, a slide, a data set."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage
from slide_samples import write_ome

from core.images.demo import demonstration_radiograph
from core.images.reader import read_image
from core.tasks import get_task

SLIDE = (6144, 4096)  # pixels
RECIPE = """# A student that learns made-up classes from small images: for a look at a run, not for use
task = "chest-xray"
role = "teacher"
seed = 2
size = 96
checkpoint_steps = 5

[model]
network = "ofa595"
start = "chest-xray/student-ofa595"

[augment]
rotate = 5.0
gamma = 0.0
contrast = 0.0
brightness = 0.0
erase = 0.0

[optim]
epochs = 8
batch = 8
lr = 3e-4
warmup = 0.5
ema = 0.5
precision = "no"
"""


def radiograph() -> Image.Image:
    """Return the demonstration radiograph, which comes with pydicom-data, at half its size."""
    brightness = read_image(demonstration_radiograph()).displayed()
    whole = Image.fromarray((255 * brightness).astype(np.uint8))
    return whole.resize((whole.width // 2, whole.height // 2))


def altered_copies(folder: Path) -> list[Path]:
    """Write copies of the radiograph that are altered as their names say, and a file that is no image."""
    folder.mkdir()
    original = radiograph()
    copies = {
        "as it is": original,
        "mirrored": original.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "tilted by 10 degrees": original.rotate(10),
        "less contrast": ImageEnhance.Contrast(original).enhance(0.5),
        "blurred": original.filter(ImageFilter.GaussianBlur(30)),
        "upside down": original.rotate(180),
    }
    for name, copy in copies.items():
        copy.save(folder / f"{name}.png")
    (folder / "no image.png").write_text("This is a text.", encoding="utf-8")
    return [folder / f"{name}.png" for name in (*copies, "no image")]


def labelled_folder(folder: Path, images: int) -> Path:
    """Write the radiograph again and again, each time shifted, in a folder for each class; the classes are made up."""
    original = np.asarray(radiograph().resize((512, 544)))
    labels = get_task("chest-xray").class_ids
    for number in range(images):
        place = folder / labels[number % len(labels)]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(original, 7 * number, axis=1)).save(place / f"{number:04d}.png")
    return folder


def stained(width: int, height: int) -> np.ndarray:
    """Return a made-up tissue, RGB of shape (height, width, 3): pink with holes, purple nuclei, on a bright slide."""
    chance = np.random.default_rng(0)
    small = (height // 8, width // 8)
    fine, coarse = (ndimage.gaussian_filter(chance.normal(size=small), sigma) for sigma in (2, 14))
    rows, columns = np.mgrid[-1 : 1 : small[0] * 1j, -1 : 1 : small[1] * 1j]
    inside = rows**2 + columns**2 + 6 * coarse < 0.7
    holes, nuclei = coarse < -0.018, fine > 0.09
    colours = np.full((*small, 3), 244.0)
    colours[inside & ~holes] = (226, 150, 186)
    colours[inside & ~holes & nuclei] = (118, 72, 140)
    colours += 8 * fine[..., None] / fine.std()
    whole = np.repeat(np.repeat(colours, 8, axis=0), 8, axis=1)[:height, :width]
    return ndimage.uniform_filter(whole, (9, 9, 1)).clip(0, 255).astype(np.uint8)


def slide(folder: Path) -> Path:
    """Write a pyramid of a made-up tissue as OME-TIFF."""
    folder.mkdir()
    return write_ome(folder / "made-up tissue.ome.tif", stained(*SLIDE), levels=4, mpp=0.5)


def data_set(folder: Path, images: int = 90) -> Path:
    """Write small copies of the radiograph in which brightness tells the class, with a manifest."""
    folder.mkdir()
    original, chance = radiograph().resize((96, 102)), np.random.default_rng(0)
    rows = []
    for number in range(images):
        label = get_task("chest-xray").class_ids[number % 3]
        copy = ImageEnhance.Brightness(original.rotate(chance.uniform(-8, 8)))
        copy.enhance(0.5 + 0.4 * (number % 3) + chance.uniform(-0.15, 0.15)).save(folder / f"{number:03d}.png")
        rows.append((f"{number:03d}.png", label, "train" if number % 10 < 6 else "val" if number % 10 < 8 else "test"))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label", "split"), *rows])
    return folder


def recipe(path: Path) -> Path:
    """Write the recipe of a run that takes seconds."""
    path.write_text(RECIPE, encoding="utf-8")
    return path
