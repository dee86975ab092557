"""Another card for a bundle whose weights stay as they are."""

from __future__ import annotations

from core.models.bundle import CARD_FILE, Bundle, read_bundle
from core.models.card import CARD_FORMAT, Card
from core.system.atomic_files import written_whole


def replace_card(bundle: Bundle, card: Card) -> Bundle:
    """Write a card in place of a bundle's; its format is set here, the checksums must be those of the bundle's files.

    Raises:
        WriteError: if it can't be written; the card that was there stays.
    """
    with written_whole(bundle.directory / CARD_FILE) as file:
        file.write(card.model_copy(update={"format": CARD_FORMAT}).model_dump_json(indent=2) + "\n")
    return read_bundle(bundle.directory)
