"""The README of a deployed model, and the short programs that use it: in Python, and for ONNX in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core import NOTICE

if TYPE_CHECKING:
    from core.deploy.figures import Figures
    from core.deploy.format import ModelFormat
    from core.models.bundle import Bundle

PYTHON_FILE, BROWSER_FILE = "example.py", "example.mjs"

# by format: what is imported, how the file is opened and its facts are read, how it is run
_PYTHON = {
    "onnx": (
        "import onnxruntime",
        'model = onnxruntime.InferenceSession("model.onnx")\n'
        'facts = json.loads(model.get_modelmeta().custom_metadata_map["twinlens"])',
        'model.run(["logits"], {"image": x})[0][0]',
    ),
    "openvino": (
        "import openvino",
        'model = openvino.Core().read_model("model.xml")\n'
        'facts = json.loads(model.get_rt_info(["twinlens"]).value)\n'
        'run = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})',
        "run(x)[0][0]",
    ),
    "torchscript": (
        "import torch",
        'inside = {"twinlens.json": ""}\n'
        'model = torch.jit.load("torchscript_model.pt", _extra_files=inside)\n'
        'facts = json.loads(inside["twinlens.json"])',
        "model(torch.from_numpy(x))[0].detach().numpy()",
    ),
    "litert": (
        "import zipfile\n\nfrom ai_edge_litert.interpreter import Interpreter",
        'facts = json.loads(zipfile.ZipFile("model.tflite").read("twinlens.json"))\n'
        'model = Interpreter("model.tflite").get_signature_runner()',
        "next(iter(model(args_0=x).values()))[0]",
    ),
}

_PREPARE = """image = Image.open(sys.argv[1]).{colour}.resize(({width}, {height}), Image.Resampling.BOX)
x = (np.asarray(image, np.float32) / 255 - facts["input"]["mean"]) / facts["input"]["std"]
x = np.ascontiguousarray(x.transpose(2, 0, 1)[None], np.float32)"""

_ANSWER = """p = np.exp((logits - logits.max()) / facts["temperature"])
print(json.dumps(dict(zip(facts["classes"], (p / p.sum()).tolist()))))"""

_BROWSER = """\
import * as ort from "onnxruntime-web";
import facts from "./model.json" with {{ type: "json" }};

const model = await ort.InferenceSession.create("model.onnx");
const {{ mean, std }} = facts.input;

// pixels: the image scaled to {width} × {height}, as getImageData(0, 0, {width}, {height}).data of a canvas gives it
export async function predict(pixels) {{
  const area = {width} * {height}, x = new Float32Array(3 * area);
  for (let i = 0; i < area; i++) {{
    const [r, g, b] = pixels.subarray(4 * i, 4 * i + 3);
    {colours}
    rgb.forEach((value, c) => {{ x[c * area + i] = (value / 255 - mean[c]) / std[c]; }});
  }}
  const {{ logits }} = await model.run({{ image: new ort.Tensor("float32", x, [1, 3, {height}, {width}]) }});
  const most = Math.max(...logits.data);
  const odds = Array.from(logits.data, (value) => Math.exp((value - most) / facts.temperature));
  const sum = odds.reduce((a, b) => a + b);
  return Object.fromEntries(facts.classes.map((label, i) => [label, odds[i] / sum]));
}}
"""
_GREY = "const grey = 0.299 * r + 0.587 * g + 0.114 * b, rgb = [grey, grey, grey];"
_COLOUR = "const rgb = [r, g, b];"


def examples(made: ModelFormat, facts: dict[str, Any]) -> dict[str, str]:
    """Return short programs that use a model, by the name of their file.

    Args:
        made: the model's format.
        facts: what a program must know of the model, see ``core.deploy.facts``.
    """
    found = {PYTHON_FILE: _python(made, facts)}
    if made.id == "onnx":
        _, _, height, width = facts["input"]["shape"]
        colours = _GREY if facts["input"]["colour"] == "grey" else _COLOUR
        found[BROWSER_FILE] = _BROWSER.format(height=height, width=width, colours=colours)
    return found


def _python(made: ModelFormat, facts: dict[str, Any]) -> str:
    imported, opened, run = _PYTHON[made.id]
    _, _, height, width = facts["input"]["shape"]
    colour = 'convert("L").convert("RGB")' if facts["input"]["colour"] == "grey" else 'convert("RGB")'
    prepared = _PREPARE.format(colour=colour, height=height, width=width)
    start = "import json\nimport sys\n"
    if imported.startswith("import zipfile"):
        first, imported = imported.split("\n\n")
        start += f"{first}\n"
    imports = sorted([*imported.splitlines(), "import numpy as np", "from PIL import Image"], key=_import_order)
    return "\n".join([start, *imports, "", opened, prepared, f"logits = {run}", _ANSWER, ""])


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


_PACKAGES = {
    "onnx": "onnxruntime", "openvino": "openvino", "torchscript": "torch", "litert": "ai-edge-litert",
}  # fmt: skip


def readme(bundle: Bundle, made: ModelFormat, facts: dict[str, Any], figures: Figures, notices: list[str]) -> str:
    """Return the text beside a deployed model: what it is, how it is used, what it scores and what it can't do."""
    source = facts["input"]
    _, _, height, width = source["shape"]
    colour = "grey, repeated in three channels" if source["colour"] == "grey" else "RGB"
    mean, std = (" ".join(f"{value:g}" for value in source[name]) for name in ("mean", "std"))
    divided = (
        "The file's output is already divided by the temperature: its softmax gives the probabilities."
        if made.calibrated
        else f"Probabilities are the softmax of `logits` divided by {figures.temperature:.4g}, the temperature."
    )
    blocks = [
        f"# {facts['name']} for {facts['task']}, as {made.title} in {facts['precision']}",
        f"**{NOTICE}**",
        f"Written by {facts['made_by']} from the model `{facts['model']}`; licence of the weights: {facts['licence']}. "
        "What it was made for, how it was trained and what it can't do: `card.md`. All figures: `figures.json`.",
        "## Use it",
        f"The input is float32 of shape 1 × 3 × {height} × {width}: the image in {colour}, both axes scaled to "
        f"{width} × {height}, values in 0 to 1, less the mean ({mean}), over the deviation ({std}). {divided} "
        f"The classes are {', '.join(facts['classes'])}, in this order. All this stands in the file itself, and in "
        "`model.json`.",
        f"```sh\npip install {_PACKAGES[made.id]} numpy pillow\npython {PYTHON_FILE} IMAGE\n```",
        f"`{PYTHON_FILE}`:\n\n```python\n{_python(made, facts)}```",
    ]
    if made.id == "onnx":
        blocks.append(
            f"In a browser, `{BROWSER_FILE}` does the same with the package `onnxruntime-web`; its `predict` takes the "
            "pixels of a canvas."
        )
    blocks += ["## What was measured", _table(figures), _scores(bundle)]
    if notices:
        blocks += ["## What you should know", "\n".join(f"- {notice}" for notice in notices)]
    return "\n\n".join(blocks) + "\n"


def _table(figures: Figures) -> str:
    compared = figures.compared
    rows = [
        ("size", f"{figures.bytes / 1e6:.1f} MB; as float32 {figures.bytes_float32 / 1e6:.1f} MB"),
        (
            "one image",
            f"{figures.latency_ms:.1f} ms; as float32 {figures.latency_float32_ms:.1f} ms "
            f"(CPU threads: {figures.threads}; {figures.processor})",
        ),
        (
            f"compared with Twinlens on {compared.images} images ({compared.source})",
            f"same class on {compared.same_class}; logits differ by at most {compared.largest_logit_difference:.2g} "
            f"(relative), probabilities by {compared.largest_probability_difference:.2g}",
        ),
        ("temperature", f"{figures.temperature:.4g}; before {figures.temperature_before:.4g}"),
    ]
    rows += [
        (
            f"accuracy on {scored.images} images ({scored.source})",
            f"{100 * scored.accuracy:.2f} %; before {100 * scored.accuracy_before:.2f} % "
            f"(calibration error {scored.ece:.3f}; before {scored.ece_before:.3f})",
        )
        for scored in figures.scored
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


def _scores(bundle: Bundle) -> str:
    """Return the card's own scores in a line each."""
    lines = [
        f"- {scores.dataset}: accuracy {100 * scores.accuracy:.2f} %, macro F1 {100 * scores.macro_f1:.2f} %, "
        f"calibration error {scores.ece:.3f} on {scores.images} images. {scores.caution}".rstrip()
        for scores in bundle.card.scores
    ]
    return "\n".join(["The card's figures, of the model before it was exported:", "", *(lines or ["- none"])])
