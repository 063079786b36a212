"""Mailing lists, by the List-Id and List-Post fields of their mail (RFC 2919, RFC 2369). Pure."""

import re
from html import unescape
from typing import Final
from urllib.parse import unquote

from mailroom.contacts.address import key_of
from mailroom.http.domains import registrable_domain
from mailroom.jmap.mail import Email
from mailroom.screener.model.sender import CONTROL, Sender, is_address

_TAG: Final = re.compile(r"</?[a-z]+(?: [^<>]*)?/?>(?=.*<)", re.IGNORECASE)
"""A tag of HTML. The last text in angle brackets is the identifier of the list, and is no tag."""
_LIST: Final = re.compile(r"list\s+([^\s;]+)", re.IGNORECASE)
"""``list loom@lists.example; contact ann@lists.example``: another form that is in use."""
_LONGEST_NAME: Final = 100
"""Characters. The rest of a longer name is cut off."""
_LONGEST_ID: Final = 255
"""Characters (RFC 2919 section 2)."""
_MAILTO: Final = re.compile(r"<\s*mailto:([^<>?\s]+)[^<>]*>", re.IGNORECASE)


def list_id(field: str) -> str:
    """Return the identifier in a List-Id field, in lower case; "" if there is none.

    The identifier in ``Weavers at work <Loom.lists.example>`` is ``loom.lists.example``. The phrase
    before the identifier may change from mail to mail, so it is left out (RFC 2919 section 3).
    White space is left out too, and the brackets may be missing.
    """
    _, identifier = _parts_of(field)
    return CONTROL.sub("", identifier)[:_LONGEST_ID]


def list_name(field: str) -> str:
    """Return the name of a mailing list, by its List-Id field.

    The name in ``Weavers at work <loom.lists.example>`` is the phrase before the identifier. If
    there is no phrase, as in ``<loom.lists.example>``, the name is ``loom``, the first part of the
    identifier.
    """
    phrase, identifier = _parts_of(field)
    return (phrase or re.split("[.@]", identifier)[0])[:_LONGEST_NAME]


def _parts_of(field: str) -> tuple[str, str]:
    """Return the phrase and the identifier of a List-Id.

    Real List-Ids may have no brackets or an unclosed bracket, or may be HTML.
    """
    text = unescape(field) if "&" in field else field
    text = " ".join(_TAG.sub("", text).split())
    phrase, bracket, rest = text.rpartition("<")
    if not bracket:
        named = _LIST.match(text)
        phrase, rest = "", named[1] if named else text
    return phrase.strip(" \"'"), "".join(rest.partition(">")[0].split()).lower()


def posting_address(field: str) -> str:
    """Return the address in a List-Post field; "" if there is none, or nobody may post (``NO``)."""
    match = _MAILTO.search(field)
    address = unquote(match[1]) if match else ""
    return address if is_address(address) else ""


def is_discussion(email: Email, sender: Sender) -> bool:
    """Return True if a mail comes from a list that many people write to.

    Such a mail names a posting address, and one of these holds:

    - The sender's registrable domain is not that of the list.
    - From is the posting address itself. Some lists put it into From, because the domain of the
      person who wrote the mail forbids forwarding.
    """
    identifier, address = list_id(email.list_id), posting_address(email.list_post)
    if not (identifier and address):
        return False
    if key_of(address) == sender.key:
        return True
    domain_of_list = identifier.rpartition("@")[2]
    domain_of_sender = sender.key.rpartition("@")[2]
    return _registrable(domain_of_list) != _registrable(domain_of_sender)


def _registrable(domain: str) -> str:
    return registrable_domain(domain, under_any_suffix=True) or domain
