"""The sentence that stands on every page, in every window and in every export."""

NOTICE = "For research use only. Not for diagnosis."
