"""Makes the folder trees of the public data sets, filled with generated images."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

COVID_CLASSES = ("COVID-19", "Non-COVID", "Normal")
TILE_STEMS = {
    "lung_image_sets/lung_aca": "lungaca",
    "lung_image_sets/lung_n": "lungn",
    "lung_image_sets/lung_scc": "lungscc",
    "colon_image_sets/colon_aca": "colonca",
    "colon_image_sets/colon_n": "colonn",
}


def radiograph(seed, side=96):
    """A smooth grey picture that no other seed resembles, (side, side) uint8."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (12, 12)).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def original_tile(seed, side=320):
    """Dark nuclei of many shapes on a stained ground, (side, side, 3) uint8 RGB."""
    random = np.random.default_rng(seed)
    tile = np.full((side, side, 3), random.integers((200, 120, 180), (250, 200, 230)), dtype=np.uint8)
    for _ in range(160):
        centre = tuple(int(v) for v in random.integers(0, side, 2))
        axes = tuple(int(v) for v in random.integers(4, 16, 2))
        colour = tuple(int(v) for v in random.integers((60, 20, 90), (150, 110, 190)))
        cv2.ellipse(tile, centre, axes, float(random.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    return tile


def sibling(tile, seed, side=224):
    """The tile mirrored by chance, turned by up to 25 degrees and zoomed, as LC25000's augmentation does it."""
    random = np.random.default_rng(seed)
    if random.random() < 0.5:
        tile = tile[:, ::-1]
    height, width = tile.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.uniform(-25, 25), random.uniform(1.35, 1.6))
    turned = cv2.warpAffine(np.ascontiguousarray(tile), turn, (width, height), flags=cv2.INTER_LINEAR)
    return cv2.resize(turned, (side, side), interpolation=cv2.INTER_AREA)


def save(path, pixels):
    """Write an image, and the folders that it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def covid_qu_ex(root, each=2):
    """Both parts of COVID-QU-Ex; the infection part repeats one image of each class of the lung part."""
    mask = np.zeros((96, 96), np.uint8)
    mask[20:70, 20:70] = 255
    seed = 0
    for split in ("Train", "Val", "Test"):
        for label in COVID_CLASSES:
            lung = root / "Lung Segmentation Data" / "Lung Segmentation Data" / split / label
            infection = root / "Infection Segmentation Data" / "Infection Segmentation Data" / split / label
            for number in range(each):
                seed += 1
                name = f"{label.lower()}_{seed}.png"
                save(lung / "images" / name, radiograph(seed))
                save(lung / "lung masks" / name, mask)
                if number == 0:
                    for folder, content in (
                        ("images", radiograph(seed)),
                        ("lung masks", mask),
                        ("infection masks", mask),
                    ):
                        save(infection / folder / name, content)
    return root


def lc25000(root, originals=3, each=4):
    """LC25000 with few originals a class, numbered so that siblings do not follow one another; returns their groups."""
    groups = {}
    for kind, (folder, stem) in enumerate(TILE_STEMS.items()):
        for number in range(originals * each):
            original = number % originals
            pixels = sibling(original_tile(100 * kind + original), 1000 * kind + number)
            path = save(root / "lung_colon_image_set" / folder / f"{stem}{number + 1}.jpeg", pixels)
            groups[path] = (stem, original)
    return groups
