import pytest

from core.system import cpu_features


@pytest.mark.parametrize(
    ("flags", "matrices", "lacks"),
    [
        ("fpu sse2 avx avx2 fma", False, True),
        ("fpu sse2 avx2 avx512f avx512_bf16", False, False),
        ("fpu sse2 avx2 avx512f avx512_bf16 amx_bf16", True, False),
        ("Features: fp asimd bf16", False, False),
        (None, False, False),
    ],
)
def test_what_linux_says_of_a_processor(flags, matrices, lacks, tmp_path, monkeypatch):
    told = tmp_path / "cpuinfo"
    if flags is not None:
        told.write_text(f"processor : 0\nflags : {flags}\n")
    monkeypatch.setattr(cpu_features, "LINUX_CPU_INFO", told)
    assert cpu_features.multiplies_bfloat16_matrices() == matrices
    assert cpu_features.lacks_bfloat16() == lacks
