"""Compare the exact Score-CAM of each installed model with torch's: ``python docs/compare_runtimes.py IMAGE…``.

Each model explains the images of its task for its last class, with all of its feature maps, by torch in float32 and by
each runtime of graphs. Prints rows of Markdown: the largest differences of the logits and of the map, which lies in
[0, 1]. Minutes a model.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from core.explain.heatmap import HeatMap
from core.explain.scorecam import ScoreCam
from core.images.preprocessing import preprocess
from core.images.reader import read_image
from core.models.catalogue import read_catalogue
from core.runtimes.base import FloatArray, Runtime
from core.runtimes.load import load_runtime

GRAPH_RUNTIMES = ("openvino", "onnxruntime")


def main() -> None:
    """Print a row for each model and runtime."""
    parser = argparse.ArgumentParser(description="Compare exact Score-CAM without torch with torch's.")
    parser.add_argument("images", nargs="+", type=Path, help="grey ones for the chest, coloured ones for histology")
    parser.add_argument("--model", action="append", help="only this model; may be repeated")
    given = parser.parse_args()
    print("| model | image | runtime | feature maps | logits | exact map |\n|---|---|---|---:|---:|---:|")
    for bundle in read_catalogue().bundles.values():
        if given.model and bundle.id not in given.model:
            continue
        torch = load_runtime(bundle, "torch")
        for path in given.images:
            picture = read_image(path)
            if picture.is_grey == (bundle.card.preprocessing.channels == "rgb"):
                continue
            image = preprocess(picture, bundle.card.preprocessing)
            expected = _exact(torch, image)
            for name in GRAPH_RUNTIMES:
                found = _exact(load_runtime(bundle, name), image)
                logits = np.abs(found.logits - expected.logits).max()
                values = np.abs(found.map.values - expected.map.values).max()
                scored = found.map.maps_scored
                print(f"| {bundle.id} | {path.name} | {name} | {scored} | {logits:.1e} | {values:.1e} |", flush=True)


class _Exact(NamedTuple):
    logits: FloatArray
    map: HeatMap


def _exact(runtime: Runtime, image: FloatArray) -> _Exact:
    cam = ScoreCam(runtime, image)
    *_, last = cam.refine(len(cam.logits) - 1, "exact")
    return _Exact(cam.logits, last)


if __name__ == "__main__":
    main()
