"""The keywords (RFC 8621 section 4.1.1) that Mailroom reads and writes."""

from collections.abc import Collection
from typing import Final

SCREENED: Final = "$mailroom-screened"
"""On a mail that was filed when it came. If it is in the Inbox again, somebody put it there on
purpose."""

FORGED: Final = "$mailroom-forged"
"""On a mail whose From is forged, until a label says where it goes: what is decided on whoever its
From names does not concern it."""

JUNK: Final = "$junk"
NOT_JUNK: Final = "$notjunk"
"""In the IANA registry of IMAP and JMAP keywords: mail that is, or is not, spam for its owner."""


def without(keywords: Collection[str], *unwanted: str) -> dict[str, None]:
    """The part of a patch that takes keywords off a mail, as far as it bears them."""
    return {f"keywords/{each}": None for each in unwanted if each in keywords}
