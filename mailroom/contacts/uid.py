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

    A UUID is the same in capitals, in braces and behind ``urn:uuid:`` (RFC 9562 section 4).
    """
    uid = uid_without_prefix(text)
    uuid_text = uid_without_prefix(uid[1:-1]) if uid[:1] == "{" and uid[-1:] == "}" else uid
    return uuid_text.lower() if _UUID.fullmatch(uuid_text) else uid


def uid_for(key: str) -> str:
    """Return the uid of the card that Mailroom makes for an address or a mailing list.

    The uid depends on the key alone. So two instances, or one instance that was killed after making
    the card, do not make a second card. The uid of a list's card shows that the card is a list's:
    the note shows this too, but the notes of all cards are not read in every pass.

    Args:
        key: the :func:`mailroom.contacts.address.key_of` the address, or the
            :func:`mailroom.contacts.address.list_key` of the list.
    """
    uid = str(uuid.uuid5(_UIDS, key))
    return f"6c697374-{uid[9:14]}8{uid[15:]}" if list_id_of(key) else uid


def is_of_list(uid: str) -> bool:
    """Return True if a uid is that of a card that Mailroom made for a mailing list."""
    return _OF_LIST.fullmatch(uid) is not None


def key_on_card(address: str) -> str:
    """Return the key by which the cards of an address or of a mailing list are found.

    That is one of the :func:`keys_of_card`.

    Args:
        address: an address, or the :func:`mailroom.contacts.address.list_key` of a list.

    Returns:
        The :func:`mailroom.contacts.address.key_of` the address, or the uid of the list's card.
    """
    return uid_for(address) if list_id_of(address) else key_of(address)


def keys_of_card(uid: str, addresses: Iterable[str]) -> tuple[str, ...]:
    """Return the keys (:func:`key_on_card`) of the addresses, or of the list, of a card.

    The card of a mailing list stands for the list only: people who write from its posting address
    are not decided on by it.
    """
    return (uid,) if is_of_list(uid) else tuple(dict.fromkeys(map(key_of, addresses)))


def other_uid(uid: str, address: str) -> str:
    """Return the uid of a contact's card if ``uid`` is taken by somebody else's card.

    The uid is not random, so that a retry does not make the card twice.
    """
    return str(uuid.uuid5(_OTHER_UIDS, f"{uid} {key_of(address)}"))
