"""The runtimes of the program, and which of them runs a bundle: the fastest one here that agrees with torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import RuntimeUnavailableError, UsageError
from core.runtimes.base import Runtime, RuntimeChoice, RuntimeKind
from core.runtimes.onnx_runtime import ONNX
from core.runtimes.openvino_runtime import OPENVINO
from core.runtimes.torch_runtime import TORCH

if TYPE_CHECKING:
    from core.models.bundle import Bundle

AUTO = "auto"
RUNTIMES: dict[str, RuntimeKind] = {kind.id: kind for kind in (OPENVINO, ONNX, TORCH)}


def runtime_choices() -> tuple[RuntimeChoice, ...]:
    """Return what can be chosen: ``auto``, or one of ``RUNTIMES``."""
    return (AUTO, *RUNTIMES)


def known_runtime(choice: str) -> RuntimeChoice:
    """Return a choice of runtime as it is.

    Raises:
        UsageError: if there is no such runtime.
    """
    if choice not in runtime_choices():
        raise UsageError(f"There is no runtime {choice!r}.", remedy=f"The runtimes are {', '.join(runtime_choices())}.")
    return choice


def runtime_name(runtime: str) -> str:
    """Return the name of a runtime for a person; one that is not known here is its own name."""
    return RUNTIMES[runtime].name if runtime in RUNTIMES else runtime


def load_runtime(bundle: Bundle, choice: RuntimeChoice = AUTO, threads: int | None = None) -> Runtime:
    """Load a verified bundle into a runtime and run it once, so that the first prediction takes no longer than others.

    Args:
        bundle: the model.
        choice: the identifier of a runtime, which must then be used; ``auto`` takes the first by ``RuntimeKind.rank``
            that can be used, and says in ``notice`` why that is not the first of all.
        threads: CPU threads to use; None leaves it to the runtime.

    Raises:
        UsageError: if there is no such runtime.
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if the runtime is missing or does not agree with torch.
    """
    failures: list[RuntimeUnavailableError] = []
    for kind in _candidates(choice):
        try:
            runtime = kind.load(bundle, threads)
        except RuntimeUnavailableError as error:
            failures.append(error)
        else:
            if failures:
                runtime.notice = f"{failures[0].problem} {kind.name[0].upper()}{kind.name[1:]} is used instead."
            return runtime
    raise failures[0]


def _candidates(choice: RuntimeChoice) -> list[RuntimeKind]:
    """Return the runtimes to try, in their order."""
    if known_runtime(choice) == AUTO:
        return sorted(RUNTIMES.values(), key=lambda kind: kind.rank())
    return [RUNTIMES[choice]]
