"""Which importable packages lie beside the program here that a base install does not bring.

An environment with the extras has much that others import where it is: PyInstaller would pack that too.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def beyond_base(program: str) -> list[str]:
    """Return the top-level modules of all installed distributions that the program does not need without its extras.

    Args:
        program: the distribution whose dependencies count, with those of these, and so on.
    """
    needed = _closure(program)
    owners = packages_distributions()
    return sorted(
        module
        for module, distributions in owners.items()
        if module.isidentifier() and not any(canonicalize_name(name) in needed for name in distributions)
    )


def _closure(program: str) -> set[str]:
    """Return the names of what a distribution needs, itself among them."""
    found: set[str] = set()
    waiting = {(canonicalize_name(program), frozenset[str]())}
    seen = set(waiting)
    while waiting:
        name, extras = waiting.pop()
        found.add(name)
        new = {*_needs(name, extras)} - seen
        seen |= new
        waiting |= new
    return found


def _needs(name: str, extras: Iterable[str]) -> Iterable[tuple[str, frozenset[str]]]:
    try:
        lines = requires(name) or []
    except PackageNotFoundError:  # for another system, or not installed: it is not packed
        return
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield canonicalize_name(requirement.name), frozenset(requirement.extras)
