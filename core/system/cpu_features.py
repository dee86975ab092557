"""What the processor can compute with."""

from __future__ import annotations

from pathlib import Path

LINUX_CPU_INFO = Path("/proc/cpuinfo")


def multiplies_bfloat16_matrices() -> bool:
    """Return whether the processor multiplies matrices of bfloat16 itself (Intel AMX).

    Only Linux tells. Without AMX bfloat16 is no faster than float32, also where the processor has other instructions
    for it, and OpenVINO states it as a capability of every processor with AVX-512.
    """
    return "amx_bf16" in _flags()


def lacks_bfloat16() -> bool:
    """Return whether the processor is known to have no instruction for bfloat16: emulated, it is many times slower."""
    flags = _flags()
    return "sse2" in flags and not flags & {"avx512_bf16", "amx_bf16", "avx_ne_convert"}


def _flags() -> set[str]:
    """Return what Linux says that the processor has; nothing elsewhere."""
    return set(LINUX_CPU_INFO.read_text(encoding="utf-8").split()) if LINUX_CPU_INFO.is_file() else set()
