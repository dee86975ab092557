"""Measure how fast a slide of 1.7 GB opens and what memory it takes: ``python docs/measure_slide.py [FOLDER]``.

The slides are written into the folder, a temporary one by default, which needs 4 GB.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import tifffile  # noqa: E402

from core.slides.opening import open_slide  # noqa: E402

WIDTH, HEIGHT, TILE, SMALLEST, READS = 24576, 17408, 512, 1500, 300


def write(path: Path, *, svs: bool) -> None:
    """Write a pyramid, as Aperio's scanners do or as a plain BigTIFF."""
    tile = np.random.default_rng(0).integers(0, 256, (TILE, TILE, 3)).astype(np.uint8)

    def tiles(number: int) -> Iterator[np.ndarray]:
        for _ in range(number):
            yield tile

    with tifffile.TiffWriter(path, bigtiff=True) as file:
        width, height, level = WIDTH, HEIGHT, 0
        while level == 0 or max(width, height) > SMALLEST // 2:
            size = f"{WIDTH}x{HEIGHT} [0,0 {WIDTH}x{HEIGHT}] ({TILE}x{TILE}) RGB"
            size += f" -> {width}x{height}" if level else ""
            words = f"Aperio Image Library v12.0.0\r\n{size}|AppMag = 20|MPP = 0.5" if svs else None
            count = -(-width // TILE) * -(-height // TILE)
            file.write(
                tiles(count), shape=(height, width, 3), dtype=np.uint8, tile=(TILE, TILE), photometric="rgb",
                metadata=None, subfiletype=int(bool(level) and not svs), description=words,
            )  # fmt: skip
            if svs and not level:  # the scanner's thumbnail, which is no level
                file.write(tile, photometric="rgb", metadata=None, description=words)
            width, height, level = width // 2, height // 2, level + 1


def megabytes() -> float:
    return float(psutil.Process().memory_info().rss / 1e6)


def measure(path: Path) -> None:
    before, started, used = megabytes(), time.perf_counter(), time.process_time()
    with open_slide(path) as slide:
        opened = time.perf_counter() - started
        slide.thumbnail(1024)
        whole, used = time.perf_counter() - started, time.process_time() - used
        chance = random.Random(0)  # noqa: S311 - any places will do
        for _ in range(READS):
            number = chance.randrange(len(slide.levels))
            level = slide.levels[number]
            x, y = (chance.randrange(max(1, side - TILE)) for side in (level.width, level.height))
            slide.read_level(number, x, y, TILE, TILE)
        print(
            f"{path.name}: {path.stat().st_size / 1e9:.2f} GB, {slide.format}, {len(slide.levels)} levels; open "
            f"{opened:.2f} s, with overview {whole:.2f} s ({used:.2f} s of processor time); {READS} tiles and all "
            f"add {megabytes() - before:.0f} MB"
        )


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        for svs in (False, True):
            path = Path(folder) / ("slide.svs" if svs else "slide.tif")
            write(path, svs=svs)
            measure(path)


if __name__ == "__main__":
    main()
