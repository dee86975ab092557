"""The reader's opinion of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Opinion = Literal["agree", "disagree", "unsure"]
OPINIONS: tuple[Opinion, ...] = get_args(Opinion)


@dataclass(frozen=True)
class Review:
    """The reader's opinion of a comparison.

    Attributes:
        opinion: ``agree``, ``disagree``, ``unsure``, or None where there is none.
        note: free text.
    """

    opinion: Opinion | None = None
    note: str = ""

    def __bool__(self) -> bool:
        return self.opinion is not None or bool(self.note)


NO_REVIEW = Review()
