"""The documentation: it builds strictly, what it quotes exists, and the examples marked to be run do run."""

import ast
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main
from task_samples import CHEST_XRAY

from core.images.demo import demonstration_radiograph

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
DOORS = {"core": "core.cli.app", "training": "training.cli.app", "gui": "gui.__main__"}
MODULE = re.compile(r"-m (core|training|gui)((?:\.\w+)*)(?!\w)([^\n`#>&|]*)")
RUN = re.compile(r"^<!-- run -->\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_OURS = ("qt.qpa", "no Qt platform", "could not connect", "libEGL", "libc.so.6", "Windows protected", "Apple could")


def commands():
    """Yield the module and arguments of each command line of ours, in blocks and in running text."""
    for page in PAGES:
        for found in MODULE.finditer(page.read_text(encoding="utf-8")):
            package, module, rest = found.groups()
            words = shlex.split(rest.rstrip(" .,:;)"))
            yield pytest.param(
                package + module if module else DOORS[package], words, id=f"{page.name}: {found[0].strip()}"
            )


@pytest.mark.parametrize(("module", "words"), list(commands()))
def test_command_lines_exist_with_their_options(module, words):
    app = getattr(importlib.import_module(module), "app", None)
    if app is None or (not words and module != "gui.__main__"):
        return  # only the program is named, or one without options
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not (words and hasattr(command, "commands") and not words[0].startswith("-")), f"no command {words[0]}"
    try:
        command.make_context(module, words)
    except Exception as left:
        if getattr(left, "exit_code", 1) != 0:  # --help and --version leave with 0
            raise


def source_texts():
    """Return every text in our source; what is put into it when it runs is three dots."""
    texts = []
    for path in (path for package in ("core", "training", "gui") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                texts.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(re.sub(r"\{\d\}", "…", node.value))
    return texts


def test_error_texts_are_those_of_the_source():
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    quoted = [text for cell in cells for text in re.findall(r"`([^`]+)`", cell)]
    ours = [text for text in quoted if not text.startswith(NOT_OURS)]
    assert len(ours) > 50
    known = "\n".join(source_texts())
    patterns = {text: ".*".join(re.escape(part) for part in text.split("…")) for text in ours}
    assert [text for text, pattern in patterns.items() if not re.search(pattern, known)] == []


def drawn_layers():
    """Return the sub-packages of each package as docs/architecture.md draws them, from the top, siblings together."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```text\n(core|training|gui)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return {
        package: [re.split(r" {2,}", line.strip())[0].split(" | ") for line in lines.splitlines()]
        for package, lines in blocks
    }


@pytest.mark.parametrize("package", ["core", "training", "gui"])
def test_all_sub_packages_are_drawn_and_in_the_reference(package):
    there = [path.parent.name for path in (ROOT / package).glob("*/__init__.py")]
    there += [path.stem for path in (ROOT / package).glob("*.py") if not path.stem.startswith("_")]
    assert sorted(part for layer in drawn_layers()[package] for part in layer) == sorted(there)
    reference = (ROOT / "docs" / f"api-{package}.md").read_text(encoding="utf-8")
    assert sorted(re.findall(rf"^::: {package}\.(\w+)$", reference, re.MULTILINE)) == sorted(there)


def test_the_drawn_layers_are_those_of_the_contracts():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    drawn, checked = drawn_layers(), []
    for layers in (found["layers"] for found in project["tool"]["importlinter"]["contracts"] if "layers" in found):
        package = layers[0].partition(".")[0]
        parts = [[part.strip().removeprefix(f"{package}.") for part in layer.split("|")] for layer in layers]
        if all("." in layer for layer in layers):
            assert drawn[package] == [layer for layer in parts if layer != ["__main__"]]
            checked.append(package)
    assert {"core", "training"} <= set(checked)


def test_marked_examples_run(tmp_path):
    blocks = [block for page in PAGES for block in RUN.findall(page.read_text(encoding="utf-8"))]
    lines = [line for block in blocks for line in block.splitlines()]
    assert len(lines) >= 3
    environment = {**os.environ, "TWINLENS_DATA": str(tmp_path)}
    answers = {}
    for line in lines:
        python, *words = shlex.split(line)
        assert python == "python"
        words = [str(demonstration_radiograph()) if word == "scan.dcm" else word for word in words]
        ended = subprocess.run(
            [sys.executable, *words], capture_output=True, encoding="utf-8", check=False, cwd=ROOT, env=environment
        )
        assert ended.returncode == 0, (line, ended.stderr)
        answers[line] = ended.stdout
    (said,) = (answer for line, answer in answers.items() if "--json" in line)
    predicted = json.loads(said)["images"][0]["teacher"]["predicted"]
    (history,) = (answer for line, answer in answers.items() if "history list" in line)
    assert CHEST_XRAY.class_name(predicted) in history


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path],
        capture_output=True,
        encoding="utf-8",
        check=False,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert ended.returncode == 0, ended.stderr
    assert "read_image" in (tmp_path / "api-core.html").read_text(encoding="utf-8")
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= {path.stem for path in tmp_path.glob("*.html")}
