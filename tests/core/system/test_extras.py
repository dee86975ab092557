import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from core.system import extras
from core.system.extras import EXTRAS, MissingExtraError, how_to_add, missing_extra, missing_modules, require

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def bare(requirement):
    """Return the name of a package in a requirement, or the names of the extras in ``twinlens[…]``."""
    name, _, rest = requirement.partition("[")
    return rest.rstrip("]").split(",") if rest else [name.split(">")[0].split("=")[0].lower()]


def packages(extra):
    """Return the packages of an extra and of those that it contains."""
    listed = PROJECT["optional-dependencies"][extra]
    own = {name for line in listed if "[" not in line for name in bare(line)}
    return own.union(*(packages(other) for line in listed if "[" in line for other in bare(line)))


@pytest.mark.parametrize("name", EXTRAS)
def test_an_extra_asks_for_the_modules_of_its_packages(name):
    distributions = packages_distributions()
    asked = {distributions[module][0].lower().replace("_", "-") for module in EXTRAS[name].modules}
    assert asked == packages(name)


def test_the_extra_all_holds_each_of_them_and_the_base_none():
    assert packages("all") == set().union(*map(packages, EXTRAS))
    base = {name for line in PROJECT["dependencies"] for name in bare(line)}
    assert not base & packages("all")


def test_a_missing_package_is_named_with_the_command_that_adds_it(monkeypatch):
    require("cams", "Grad-CAM")
    assert missing_extra("cams", "Grad-CAM") is None
    monkeypatch.setitem(sys.modules, "pytorch_grad_cam", None)
    assert missing_modules("cams") == ["pytorch_grad_cam"]
    with pytest.raises(MissingExtraError) as refused:
        require("cams", "Grad-CAM")
    assert str(refused.value) == (
        f'Grad-CAM needs packages that are not installed (pytorch_grad_cam). Add it with: pip install -e "{ROOT}[cams]"'
    )


def test_the_command_is_that_of_the_installation(monkeypatch, tmp_path):
    monkeypatch.setattr(extras, "SOURCE", tmp_path)
    assert how_to_add("train") == 'Add it with: pip install "twinlens[train]"'
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert how_to_add("train") == "Install the full program: this is the lite one."
