"""Statements on a model's card that can't be measured: the data set's name, intended use, licence, limits."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import UsageError
from core.models.card import Card

NOT_STATED = "not stated"
CARDS = Path(__file__).resolve().parents[1] / "cards"
MAX_BYTES = 100_000

Sentence = Annotated[str, Field(min_length=1, max_length=2000)]


class CardTexts(BaseModel):
    """Statements for a card; what can be counted or measured is not among them.

    Attributes:
        data: what the data set is called; empty for the name of its folder.
        images: how many images the data set has that these texts are about; texts for another one are rejected.
        intended_use: what the model is for.
        licence: licence of the weights.
        limits: limits of the data that a user must know.
        caution: a warning that belongs to its scores.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: str = Field(default="", max_length=200)
    images: int | None = Field(default=None, ge=1)
    intended_use: str = Field(default=NOT_STATED, min_length=1, max_length=2000)
    licence: str = Field(default=NOT_STATED, min_length=1, max_length=500)
    limits: tuple[Sentence, ...] = Field(default=(), max_length=40)
    caution: str = Field(default="", max_length=1000)

    def on(self, card: Card) -> Card:
        """Return a run's card with these statements beside what is known of its classes and data.

        Raises:
            UsageError: if the texts are about a data set of another size.
        """
        made = card.training
        found = made.data_set
        if self.images is not None and found is not None and self.images != found.total:
            raise UsageError(
                f"These texts are about a data set of {self.images:,} images; the run's has {found.total:,}.",
                remedy="Write texts about your own data, or leave them out.",
            )
        if self.data and found is not None:
            words = made.data.replace(found.name, self.data, 1)[:1000]
            made = made.model_copy(update={"data": words, "data_set": found.model_copy(update={"name": self.data})})
        return card.model_copy(
            update={
                "training": made,
                "intended_use": self.intended_use,
                "licence": self.licence,
                "limits": (*card.limits, *self.limits),
            }
        )


def card_texts_of(source: str | None, **stated: str | None) -> CardTexts:
    """Return texts from a TOML file, or from those that come with the program by their name, e.g. ``chest-xray``.

    Args:
        source: the file or name, or None.
        stated: texts that replace those of the file; None leaves them.

    Raises:
        UsageError: if there is no such file, or it does not hold such texts.
    """
    path = None if source is None else Path(source) if Path(source).is_file() else CARDS / f"{source}.toml"
    if path is not None and not path.is_file():
        raise UsageError(f"There are no card texts {source!r}.", remedy="Give a TOML file.")
    given = {name: text for name, text in stated.items() if text}
    try:
        if path is not None and path.stat().st_size > MAX_BYTES:
            raise UsageError("This is too large for card texts.", path=path)
        read = {} if path is None else tomllib.loads(path.read_text(encoding="utf-8"))
        return CardTexts.model_validate({**read, **given})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise UsageError(f"The card texts are not valid TOML ({cause}).", path=path) from cause
    except ValidationError as cause:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in cause.errors()[:8])
        raise UsageError(f"The card texts are not valid: {faults}.", path=path, remedy="Correct these keys.") from cause
