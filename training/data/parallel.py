"""Process many files on all cores, with progress and cancellation."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from training.data.dataset import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

FEW = 400  # up to so many files are done sooner in this process than others would start
CHUNK = 32


def spread(
    what: str, work: Callable[[Item], Result], items: Sequence[Item], progress: Progress, processes: int | None = None
) -> list[Result]:
    """Return ``work`` of each item, in order, computed in as many processes as there are cores.

    The processes are spawned: a script that calls this needs its ``if __name__ == "__main__":``, and a frozen program
    ``multiprocessing.freeze_support()``.

    Args:
        what: what is under way, for the progress.
        work: a function at the top of a module; it reports what may go wrong in its result.
        items: what it is called with.
        progress: called after each item; what it raises, as Ctrl+C does, stops all.
        processes: how many, by default one a core, or none but this one for up to ``FEW`` items.
    """
    count = processes or (os.cpu_count() or 1 if len(items) > FEW else 1)
    results: list[Result] = []
    if count == 1:
        for item in items:
            results.append(work(item))
            progress(what, len(results), len(items))
        return results
    # spawn, since a fork of a window's process with its threads may hang
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_leave_interrupts_to_the_parent)
    try:
        for result in pool.map(work, items, chunksize=CHUNK):
            results.append(result)
            progress(what, len(results), len(items))
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
