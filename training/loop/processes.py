"""What the processes of a run agree on; with a single process each function returns what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import Accelerator

    from training.loop.checkpoint import Counters


def mean_terms(accelerator: Accelerator, terms: dict[str, float]) -> dict[str, float]:
    """Return the mean of the processes' loss terms; their shares of a batch are equal."""
    if accelerator.num_processes == 1:
        return terms
    from accelerate.utils import gather_object

    shares = gather_object([terms])
    return {name: sum(share[name] for share in shares) / len(shares) for name in terms}


def first_reason(accelerator: Accelerator, reason: str) -> str:
    """Return the first process's reason to stop that is not empty."""
    if accelerator.num_processes == 1:
        return reason
    from accelerate.utils import gather_object

    return next((one for one in gather_object([reason]) if one), "")


def share_best(accelerator: Accelerator, counters: Counters) -> None:
    """Give all processes the epochs' metrics and the best epoch, which the main process found."""
    if accelerator.num_processes == 1:
        return
    from accelerate.utils import broadcast_object_list

    found = [counters]
    broadcast_object_list(found)
    counters.rows, counters.best, counters.best_file = found[0].rows, found[0].best, found[0].best_file
