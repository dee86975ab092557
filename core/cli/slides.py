"""``python -m core compare`` on whole slides: one region of each, or a grid of fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.compare.batch import compare_files
from core.compare.record import FailedRecord, failed_record
from core.compare.session import Choice, Compared, ComparisonSession
from core.errors import ImageError, UsageError
from core.images.region import Region
from core.models.catalogue import Catalogue
from core.slides.comparing import compare_field, slide_choice
from core.slides.grid import OVERVIEW, grid, tissue_mask
from core.slides.kinds import identity, is_slide
from core.slides.opening import open_slide
from core.slides.slide import Slide

HINT = "It is a whole slide: name a part of it by --region x,y,w,h, or a grid of fields by --grid SIDE."


@dataclass(frozen=True)
class Parts:
    """Which parts of slides are compared.

    Attributes:
        region: one region, in pixels of the full resolution; None for the whole slide.
        side: of the fields of a grid over it; None for the region as it is.
    """

    region: Region | None
    side: int | None

    def fields(self, slide: Slide) -> list[Region]:
        """Return the fields of a slide; those of a grid without a region are of tissue only.

        Raises:
            ImageError: if the overview can't be decoded.
        """
        if self.side is None:
            return [] if self.region is None else [self.region]
        whole = Region(0, 0, slide.width, slide.height)
        tissue = tissue_mask(slide.thumbnail(OVERVIEW)) if self.region is None else None
        return grid(self.region or whole, self.side, tissue, (slide.width, slide.height))


def stated_parts(region: str, side: int | None) -> Parts | None:
    """Return what ``--region`` and ``--grid`` state, None where they are not given.

    Raises:
        UsageError: if the region is no rectangle.
    """
    if not region:
        return None if side is None else Parts(None, side)
    try:
        x, y, width, height = map(int, region.split(","))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise UsageError(f"{region!r} is no region.", remedy="Write it as x,y,w,h in pixels of the full resolution.")
    return Parts(Region(x, y, width, height), side)


def examine_all(
    session: ComparisonSession,
    paths: Sequence[Path],
    choice: Choice,
    parts: Parts | None,
    catalogue: Catalogue,
    *,
    repeats: int,
    with_identity: bool,
) -> Iterator[Compared]:
    """Compare on each image, and on the parts of each slide; arguments and errors are those of the session."""
    if parts is None:
        compared = compare_files(session, paths, choice, repeats=repeats, with_identity=with_identity)
        yield from map(_with_hint, compared, paths)
        return
    seen: set[tuple[str, str]] = set()
    for path in paths:
        if not is_slide(path):
            yield session.examine(path, choice, repeats=repeats, with_identity=with_identity)
        elif (known := identity(path)) not in seen:
            seen.add(known)
            of_slide = replace(slide_choice(choice, catalogue), cam=choice.cam)
            try:
                with open_slide(path) as slide:
                    for field in parts.fields(slide):
                        yield compare_field(slide, field, session, of_slide, repeats)
            except ImageError as error:
                yield Compared(failed_record(path, str(error)))


def _with_hint(found: Compared, path: Path) -> Compared:
    """Return what came of a file that could not be opened; of a slide with what can be done."""
    if not isinstance(found.record, FailedRecord) or not is_slide(path):
        return found
    return Compared(replace(found.record, error=f"{found.record.error} {HINT}"))
