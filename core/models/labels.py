"""Labels tell installed models of one network, task and role from each other; a label is part of a folder name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import count

from core.errors import UsageError
from core.models.bundle import LABEL_MARK, Bundle
from core.models.card import Card
from core.names import readable

LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def labelled_id(card: Card, label: str, taken: Collection[str]) -> str:
    """Return the identifier of a model under a label.

    Args:
        card: the model's card.
        label: the label.
        taken: identifiers of installed models.

    Raises:
        UsageError: if the label can't be a part of a folder's name, or is taken.
    """
    found = f"{card.id}{LABEL_MARK}{label}"
    if not LABEL.fullmatch(label):
        raise UsageError(
            f"A model can't be labelled {readable(label)!r}.",
            remedy="Take up to 40 letters, digits, dots, hyphens and underscores; begin with a letter or digit.",
        )
    if found.lower() in {name.lower() for name in taken}:  # folders on some systems don't tell capitals apart
        raise UsageError(f"There is a model {found} already.", remedy="Take another label.")
    return found


def free_label(card_id: str, bundles: Iterable[Bundle]) -> str:
    """Return the first number from 2 that no installed model of a network has as its label.

    Args:
        card_id: the identifier that the model has without a label.
        bundles: what is installed.
    """
    taken = {bundle.label for bundle in bundles if bundle.card.id == card_id}
    return next(str(number) for number in count(2) if str(number) not in taken)
