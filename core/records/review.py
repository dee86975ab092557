"""The reader's opinion of a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Opinion = Literal["agree", "disagree", "unsure"]
VERDICTS: tuple[Opinion, ...] = get_args(Opinion)


@dataclass(frozen=True)
class Review:
    """The reader's opinion of a comparison.

    Attributes:
        verdict: ``agree``, ``disagree``, ``unsure``, or None where there is none.
        note: free text.
    """

    verdict: Opinion | None = None
    note: str = ""

    def __bool__(self) -> bool:
        return self.verdict is not None or bool(self.note)


NO_REVIEW = Review()
