"""What a comparison says in words, alike in terminal, window and report."""

from __future__ import annotations

from typing import Any

from core.tasks import get_task

RUNTIME_NAMES = {"openvino": "OpenVINO", "torch": "torch"}


def agreement(record: dict[str, Any]) -> list[str]:
    """Return what a comparison's record says about the two together, verdict first, as window and report say it."""
    task, found = get_task(record["task"]), record["agreement"]
    first = task.class_name(record["teacher"]["predicted"])
    second = task.class_name(record["student"]["predicted"])
    same = found["same_class"]
    facts = [f"✓ both say {first}" if same else f"≠ they disagree: teacher {first}, student {second}"]
    facts.append(f"divergence {found['js_divergence']:.3f} bit")
    if found["cam_iou20"] is not None:
        facts.append(f"maps for {first}: overlap {found['cam_iou20']:.2f}, correlation {found['cam_pearson']:.2f}")
    return [*facts, f"student {found['speed_ratio']:.1f}× faster, {found['size_ratio']:.1f}× smaller"]


def milliseconds(value: float) -> str:
    """Return a time in the unit that keeps two or three digits."""
    if value >= 1000:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms"
