"""Many files compared one way or the other, as the command line and its exports need them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.compare.pipeline import Examined, Pipeline
from core.compare.record import failed_record
from core.compare.session import Choice, Compared, ComparisonSession
from core.errors import ExplanationError, ImageError, TwinlensError
from core.names import readable

LOG = logging.getLogger(__name__)


def compare_files(
    session: ComparisonSession, paths: Sequence[Path], choice: Choice, *, repeats: int = 1, with_identity: bool = False
) -> Iterator[Compared]:
    """Yield the comparison of each file, in their order; one that can't be compared has its reason in its record.

    Errors of the models are raised, since they concern every image. Where forwards are repeated to be timed, or there
    is one file only, nothing overlaps.

    Args:
        session: loads the models.
        paths: the files.
        choice: what is compared.
        repeats: how often each forward is timed; the median counts.
        with_identity: whether the patient's identity is read as well.
    """
    if repeats > 1 or len(paths) == 1:
        for path in paths:
            yield session.examine(path, choice, repeats=repeats, with_identity=with_identity)
        return
    with Pipeline(session, paths, len(paths), choice, with_identity=with_identity) as pipeline:
        while (found := pipeline.take()) is not None:
            yield _as_compared(found)


def _as_compared(found: Examined) -> Compared:
    """Return a comparison, or the reason why there is none; raise an error of the models."""
    if found.compared is not None:
        return found.compared
    if isinstance(found.error, TwinlensError):
        if not isinstance(found.error, ImageError | ExplanationError):
            raise found.error
        return Compared(failed_record(found.path, str(found.error)))
    LOG.error("A defect of Twinlens, at %s", readable(found.path), exc_info=found.error)
    return Compared(failed_record(found.path, f"{readable(found.path)}: {went_wrong(found.error)}"))


def went_wrong(error: BaseException | None) -> str:
    """Return what a person reads of an error that nobody expected."""
    return f"Something went wrong ({type(error).__name__})."
