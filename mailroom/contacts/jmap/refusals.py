"""SetErrors (RFC 8620 section 5.3) for cards and groups. Pure."""

from typing import Final

from mailroom.jmap.errors import SetError

BAD_PATH: Final = frozenset({"invalidProperties", "invalidPatch"})
"""The types by which a server refuses a path in a patch."""


def is_taken(error: SetError | None) -> bool:
    """Return True if a card could not be made because there is one with its uid."""
    if error is None:
        return False
    return error.type == "alreadyExists" or "uid" in error.properties


def is_gone(error: SetError | None) -> bool:
    """Return True if a card could not be changed because there is none with its id."""
    return error is not None and error.type == "notFound"
