"""Choose a runtime for a bundle: the fastest one that is present and agrees with torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import RuntimeUnavailableError
from core.runtimes.base import Runtime, RuntimeChoice

if TYPE_CHECKING:
    from core.models.bundle import Bundle


def load_runtime(bundle: Bundle, choice: RuntimeChoice = "auto", threads: int | None = None) -> Runtime:
    """Load a verified bundle into a runtime and let it answer once, so that the first answer is as quick as the next.

    Args:
        bundle: the model.
        choice: ``openvino`` and ``torch`` insist on one; ``auto`` takes torch where there is a CUDA or Apple GPU, else
            OpenVINO, else torch on the CPU, and says in ``notice`` when it had to fall back.
        threads: CPU threads to use; None leaves it to the runtime.

    Raises:
        BundleError: if the bundle fails verification.
        RuntimeUnavailableError: if the runtime insisted on is missing or does not agree with torch.
    """
    from core.runtimes.torch_runtime import TorchRuntime, has_accelerator

    if choice == "torch" or (choice == "auto" and has_accelerator()):
        return TorchRuntime(bundle, threads)

    from core.runtimes.openvino_runtime import OpenVinoRuntime

    try:
        return OpenVinoRuntime(bundle, threads)
    except RuntimeUnavailableError as error:
        if choice == "openvino":
            raise
        fallback = TorchRuntime(bundle, threads)
        fallback.notice = f"{error.problem} Torch is used instead."
        return fallback


def needs_conversion(bundle: Bundle, choice: RuntimeChoice = "auto") -> bool:
    """Return whether ``load_runtime`` will first convert this model, which takes up to half a minute."""
    from core.runtimes.torch_runtime import has_accelerator

    if choice == "torch" or (choice == "auto" and has_accelerator()):
        return False
    try:
        from core.runtimes.openvino_conversion import is_converted

        return not is_converted(bundle)
    except ImportError:  # OpenVINO is not installed
        return False
