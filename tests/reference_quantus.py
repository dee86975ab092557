"""Compare the measures of ``core.quality`` with Quantus on the same tensors; the exit code is 1 if one differs.

Quantus brings the opencv-python wheel, whose Qt plugins break PySide6, so it lives in an environment of its own:

    python -m venv quantus-env
    quantus-env/bin/pip install "torch>=2.9" "torchvision>=0.24" "quantus==0.6.0" pydantic
    PYTHONPATH=. quantus-env/bin/python tests/reference_quantus.py

It is no test of the suite: those compare with pytorch-grad-cam, SciPy and values by hand. Where the definitions differ
the common part is compared:

- Quantus's pixel flipping has no point for the untouched image, and no step between; its curve is compared from the
  first step on, and the area of both curves from there.
- Quantus has no insertion. It is pixel flipping of the blank image with the pixels of the image as its baseline.
- Quantus's ROAD returns whether the class is still the prediction, averaged over images, not its probability; that is
  compared without noise, since the noise is drawn differently.
- Quantus divides by zero where a map is zero everywhere; such maps are not compared.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import numpy as np
import quantus
import torch
from quantus.functions.perturb_func import noisy_linear_imputation
from torch import nn

from core.quality.batching import probabilities
from core.quality.complexity import complexity, sparseness
from core.quality.localisation import energy_inside, pointing_game
from core.quality.perturbation import STEPS, area, deletion_inputs, insertion_inputs
from core.quality.randomisation import cascade, rank_correlation
from core.quality.road import SHARES, impute, road_inputs
from core.quality.stability import max_sensitivity

IMAGES, SIDE, CLASSES = 6, 40, 3  # 1600 pixels: a tenth and a 32nd of them are whole numbers
SHARPNESS = 25
TOLERANCE = 1e-3
QUIET = {"disable_warnings": True, "display_progressbar": False}
AS_IT_IS = {"abs": True, "normalise": False, "return_aggregate": False, **QUIET}


class Network(nn.Module):
    """A small network with random weights, whose answers are neither certain nor even."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 12, 5, 2, 2), nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 16, 3, 2, 1), nn.ReLU()
        )
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return SHARPNESS * self.head(self.features(x).mean((2, 3)))


class Grey(nn.Module):
    """The network for images of one channel."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x.repeat(1, 3, 1, 1))


class Runtime:
    """The network as ``core.quality.batching`` runs it."""

    batch_size = 8

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def forward(self, batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return self.network(torch.from_numpy(np.ascontiguousarray(batch))).numpy()


def gradient_map(model: nn.Module, inputs: np.ndarray, targets: np.ndarray, **_options: object) -> np.ndarray:
    """Return |gradient × input|, summed over the channels, shape (N, 1, H, W), scaled to [0, 1] by the largest."""
    x = torch.from_numpy(np.asarray(inputs, np.float32)).requires_grad_()
    model(x)[torch.arange(len(x)), torch.as_tensor(targets)].sum().backward()
    values = (x.grad * x).abs().sum(1, keepdim=True)
    return (values / values.amax((1, 2, 3), keepdim=True)).detach().numpy()


def smooth_images(random: np.random.Generator) -> np.ndarray:
    """Return images (N, 3, H, W) of some spots, so that pixels resemble their neighbours."""
    coarse = torch.from_numpy(random.normal(size=(IMAGES, 3, 6, 6)).astype(np.float32))
    return nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").numpy()


def main() -> int:
    """Compare, print, and return the exit code."""
    warnings.simplefilter("ignore")
    if not hasattr(np, "trapz"):  # Quantus 0.6.0 calls it, NumPy 2.4 no longer has it
        np.trapz = np.trapezoid  # noqa: NPY201
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    network, images = Network().eval(), smooth_images(random)
    runtime = Runtime(network)
    network.head.bias.data -= torch.from_numpy(runtime.forward(images).mean(0)) / SHARPNESS  # no class wins everywhere
    labels = runtime.forward(images).argmax(1)
    maps = gradient_map(network, images, labels)
    masks = (random.random((IMAGES, 1, 4, 4)) < 0.6).repeat(SIDE // 4, 2).repeat(SIDE // 4, 3)
    given = {"model": network, "x_batch": images, "y_batch": labels, "a_batch": maps, "s_batch": masks, "device": "cpu"}

    def fresh(**changed: object) -> dict[str, object]:
        """Return the arguments of a metric; Quantus changes arrays in place."""
        return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in {**given, **changed}.items()}

    rows = [
        ("pointing game", [pointing_game(m[0], s[0]) for m, s in zip(maps, masks, strict=True)],
         quantus.PointingGame(**AS_IT_IS)(**fresh())),
        ("energy inside, relevance mass accuracy",
         [energy_inside(m[0], s[0]) for m, s in zip(maps, masks, strict=True)],
         quantus.RelevanceMassAccuracy(**AS_IT_IS)(**fresh())),
        ("complexity", [complexity(m[0]) for m in maps], quantus.Complexity(**AS_IT_IS)(**fresh())),
        ("sparseness", [sparseness(m[0]) for m in maps], quantus.Sparseness(**AS_IT_IS)(**fresh())),
    ]  # fmt: skip
    rows += flipping(runtime, network, images, labels, maps)
    rows += removal(runtime, images, labels, maps)
    rows.append(sensitivity(network, fresh, images, labels, maps))
    rows += randomised(network, fresh, images, labels, maps)
    worst = 0.0
    for name, ours, theirs in rows:
        off = float(np.abs(np.asarray(ours, float) - np.asarray(theirs, float)).max())
        worst = max(worst, off)
        print(f"{name:46} {np.size(ours):5} values, mean {np.mean(ours):9.5f}   largest difference {off:.1e}")
    print(f"Quantus {quantus.__version__}; largest difference of all {worst:.1e}, allowed {TOLERANCE}")
    return int(not worst <= TOLERANCE)


def flipping(
    runtime: Runtime, network: nn.Module, images: np.ndarray, labels: np.ndarray, maps: np.ndarray
) -> list[tuple[str, object, object]]:
    """Compare deletion and insertion with pixel flipping, whose features are all values of an image."""
    rows = []
    for name, inputs in (("deletion", deletion_inputs), ("insertion", insertion_inputs)):
        ours, theirs = [], []
        for image, label, values in zip(images, labels, maps, strict=True):
            asked = {"curve": inputs(image[None], values[0]), "end": [image[None] * (name == "insertion")]}
            found = probabilities(runtime, asked)
            ours.append([*found["curve"][:, label], found["end"][0, label]])
            theirs.append(flipped(network, image, label, values, insert=name == "insertion"))
        rows.append((f"{name} curve from the first step", ours, theirs))
        rows.append((f"{name} area from the first step", [area(c) for c in ours], [area(c) for c in theirs]))
    return rows


def flipped(network: nn.Module, image: np.ndarray, label: int, values: np.ndarray, *, insert: bool) -> list[float]:
    """Return Quantus's pixel flipping curve of one image; a step takes all three channels of its pixels."""
    start, end = (0 * image, image) if insert else (image, 0 * image)

    def replace(arr: np.ndarray, indices: np.ndarray, **_options: object) -> np.ndarray:
        changed = arr.copy()
        pixels = np.unique(indices[0] % (SIDE * SIDE))
        changed.reshape(1, 3, -1)[:, :, pixels] = end.reshape(3, -1)[:, pixels]
        return changed

    # Quantus ranks each value of a pixel: its three come after each other, and three steps take one of ours
    ranked = np.repeat(values, 3, axis=0) - np.arange(3).reshape(3, 1, 1) * 1e-12
    metric = quantus.PixelFlipping(
        features_in_step=SIDE * SIDE // STEPS, perturb_func=replace, return_auc_per_sample=False, **AS_IT_IS
    )
    (curve,) = metric(
        model=network, x_batch=start[None].copy(), y_batch=np.array([label]), a_batch=ranked[None].astype(np.float64),
        device="cpu", softmax=True,
    )  # fmt: skip
    return list(np.asarray(curve, float)[2::3])


def removal(
    runtime: Runtime, images: np.ndarray, labels: np.ndarray, maps: np.ndarray
) -> list[tuple[str, object, object]]:
    """Compare ROAD's imputation pixel by pixel, and how often the class is still the prediction at each share.

    Quantus takes the indices of all channels for pixels, so that an image must have one channel.
    """
    missing = maps[:, 0] > np.median(maps[:, 0], axis=(1, 2), keepdims=True)
    ours = [impute(i, gone, np.random.default_rng(0), noise=0.0) for i, gone in zip(images, missing, strict=True)]
    theirs = [
        noisy_linear_imputation(image, np.flatnonzero(gone), noise=0.0)
        for image, gone in zip(images, missing, strict=True)
    ]
    grey = images[:, :1]
    network = Grey(runtime.network).eval()
    labels = Runtime(network).forward(grey).argmax(1)
    kept = []
    for image, label, values in zip(grey, labels, maps, strict=True):
        inputs = {"road": road_inputs(image[None], values[0], most_relevant=True, noise=0.0)}
        kept.append(probabilities(Runtime(network), inputs)["road"].argmax(1) == label)
    metric = quantus.ROAD(
        percentages=[round(100 * share) for share in SHARES], noise=0.0, abs=True, normalise=False, **QUIET
    )
    found = metric(model=network, x_batch=grey.copy(), y_batch=labels, a_batch=maps.copy(), device="cpu")
    return [
        ("ROAD imputation", ours, theirs),
        ("ROAD, share still predicted", np.mean(kept, axis=0), [found[p] for p in sorted(found)]),
    ]


def sensitivity(
    network: nn.Module, fresh: Callable, images: np.ndarray, labels: np.ndarray, maps: np.ndarray
) -> tuple[str, object, object]:
    """Compare max-sensitivity under the same noise."""
    copies = np.random.default_rng(1).uniform(-0.1, 0.1, (4, *images.shape)).astype(np.float32)
    drawn = iter(copies)

    def add(arr: np.ndarray, indices: np.ndarray, **_options: object) -> np.ndarray:
        return arr + next(drawn).reshape(arr.shape)

    metric = quantus.MaxSensitivity(
        nr_samples=len(copies), perturb_func=add, return_nan_when_prediction_changes=False, **AS_IT_IS
    )
    theirs = metric(**fresh(), explain_func=gradient_map)
    changed = [gradient_map(network, images + copy, labels) for copy in copies]
    ours = [max_sensitivity(maps[i, 0], [one[i, 0] for one in changed]) for i in range(IMAGES)]
    return "max-sensitivity", ours, theirs


def randomised(
    network: nn.Module, fresh: Callable, images: np.ndarray, labels: np.ndarray, maps: np.ndarray
) -> list[tuple[str, object, object]]:
    """Compare the cascade of random weights, layer by layer."""
    metric = quantus.MPRT(
        layer_order="top_down", seed=0, similarity_func=quantus.similarity_func.correlation_spearman,
        return_average_correlation=False, return_last_correlation=False, abs=True, normalise=False, **QUIET,
    )  # fmt: skip
    theirs = metric(**fresh(), explain_func=gradient_map)
    rows = []
    for name, random_network in cascade(network, stages=None):
        again = gradient_map(random_network, images, labels)
        ours = [rank_correlation(a[0], b[0]) for a, b in zip(maps, again, strict=True)]
        rows.append((f"random weights down to {name}", ours, theirs[name]))
    return rows


if __name__ == "__main__":
    sys.exit(main())
