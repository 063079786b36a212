"""The uids of cards: their spelling, and the uids of the cards that Mailroom makes. Pure."""

import re
import uuid
from collections.abc import Iterable
from typing import Final

from mailroom.contacts.address import key_of, list_id_of

_UIDS: Final = uuid.UUID("6f1c9f8e-3a54-4a6b-9d0e-52d6c6a1f0b7")
"""The name space of the uids of cards that Mailroom makes."""
_OTHER_UIDS: Final = uuid.UUID("b0a4c7de-6a0f-4d34-9f0b-3a2f4c1d5e86")
"""The name space of uids for cards whose own uid is taken by another contact."""
_UID_PREFIX: Final = "urn:uuid:"
_UUID: Final = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_OF_LIST: Final = re.compile("6c697374-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
"""A UUID of version 8 (RFC 9562 section 5.8) that begins with the ASCII codes of "list"."""


def uid_without_prefix(text: str) -> str:
    """Return a uid without ``urn:uuid:`` and without the quotes that some servers add."""
    uid = text.strip().strip('"')
    while uid[: len(_UID_PREFIX)].lower() == _UID_PREFIX:
        uid = uid[len(_UID_PREFIX) :].strip('"')
    return uid


def uid_key(text: str) -> str:
    """Return a uid in the spelling in which uids are compared.

    A UUID means the same in capitals, in braces and behind ``urn:uuid:`` (RFC 9562 section 4). It
    is returned in lower case, without braces. Any other uid keeps its capitals.
    """
    uid = uid_without_prefix(text)
    uuid_text = uid_without_prefix(uid[1:-1]) if uid[:1] == "{" and uid[-1:] == "}" else uid
    return uuid_text.lower() if _UUID.fullmatch(uuid_text) else uid


def uid_for(key: str) -> str:
    """Return the uid of the card that Mailroom makes for an address or a mailing list.

    The uid depends on the key alone. So two instances, or one instance that was killed after making
    the card, do not make a second card.

    The uid of a list's card begins with ``6c697374``, so that the index of a pass shows which cards
    stand for lists. The notes show this too, but they are not read in every pass.

    Args:
        key: the key of the address (:func:`mailroom.contacts.address.key_of`) or of the list
            (:func:`mailroom.contacts.address.list_key`).
    """
    uid = str(uuid.uuid5(_UIDS, key))
    if not list_id_of(key):
        return uid
    # The first 8 digits are "list" in ASCII. The digit at index 14 is the version, see _OF_LIST.
    return f"6c697374-{uid[9:14]}8{uid[15:]}"


def is_of_list(uid: str) -> bool:
    """Return True if a uid is that of a card that Mailroom made for a mailing list."""
    return _OF_LIST.fullmatch(uid) is not None


def key_on_card(address: str) -> str:
    """Return the key by which the cards of an address or of a mailing list are found.

    This key is one of the :func:`keys_of_card` of such a card. For ``Ann@X.example`` it is
    ``ann@x.example``. For ``list*dev.lists.example`` it is the uid of the list's card, because no
    address on a card shows for which list the card stands.

    Args:
        address: an address, or the :func:`mailroom.contacts.address.list_key` of a list.
    """
    return uid_for(address) if list_id_of(address) else key_of(address)


def keys_of_card(uid: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the keys (:func:`key_on_card`) of a card: of its addresses, or of its mailing list.

    The card of a mailing list stands for the list only. It decides nothing about people who write
    from the posting address on the card.
    """
    return (uid,) if is_of_list(uid) else tuple(dict.fromkeys(map(key_of, addresses)))


def other_uid(uid: str, address: str) -> str:
    """Return another uid for a contact's card, because somebody else's card has ``uid``.

    The new uid is not random, so that a retry does not make the card twice.
    """
    return str(uuid.uuid5(_OTHER_UIDS, f"{uid} {key_of(address)}"))
