"""What the processor can compute with."""

from __future__ import annotations

from pathlib import Path

LINUX_CPU_INFO = Path("/proc/cpuinfo")


def multiplies_bfloat16_matrices() -> bool:
    """Return whether the processor multiplies matrices of bfloat16 itself (Intel AMX).

    Only Linux tells. Without AMX bfloat16 is no faster than float32, also where the processor has other instructions
    for it, and OpenVINO states it as a capability of every processor with AVX-512.
    """
    return LINUX_CPU_INFO.is_file() and "amx_bf16" in LINUX_CPU_INFO.read_text(encoding="utf-8").split()
