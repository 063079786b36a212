"""The subject of a decision: an address, everybody at a domain, or a mailing list. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from mailroom.contacts.address import (
    is_quoted_where_needed,
    key_of,
    list_id_of,
    list_key,
    quoted_where_needed,
    typed_address,
)
from mailroom.screener.model.lists import list_id
from mailroom.screener.model.sender import CONTROL, is_address

_EVERYBODY = "*@"
_HOST = re.compile(r"[^\s.<>@,;:/\"*]+(\.[^\s.<>@,;:/\"*]+)+")
"""The name of a host, such as ``lists.example``. Most identifiers of lists have this form."""


class Kind(StrEnum):
    """The kind of a subject."""

    ADDRESS = "address"
    DOMAIN = "domain"
    LIST = "list"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A subject of a decision.

    Attributes:
        key: the text by which subjects are compared. For an address, the key that
            :func:`~mailroom.contacts.address.key_of` returns; for a domain, ``*@`` and the domain;
            for a mailing list, its :func:`~mailroom.contacts.address.list_key`.
    """

    key: str

    @classmethod
    def of_list(cls, identifier: str) -> Self:
        """Return the subject of a mailing list, by the identifier in its List-Id."""
        return cls(list_key(identifier))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the subject that a person names: an address, ``*@domain``, or a List-Id.

        A List-Id may have angle brackets; it needs them unless it looks like the name of a host. A
        text that begins with a bracket is always a List-Id, even ``<dev@lists.example>``.
        Several addresses, or a name without an address, are no subject.

        Raises:
            ValueError: the text names no subject; the text of the error says so to a person.
        """
        text = text.strip()
        mistake = ValueError(f"{text!r} is no address, no *@domain and no List-Id")
        if CONTROL.search(text):
            raise mistake
        if text.startswith(_EVERYBODY) and is_address(f"a@{text[2:]}"):
            return cls(key_of(text))
        address = typed_address(text)
        if is_address(address) and is_quoted_where_needed(address) and not text.startswith("<"):
            return cls(key_of(address))
        identifier = list_id(text)
        is_bracketed = text.endswith(">") and bool(identifier) and "*" not in identifier
        if is_bracketed or _HOST.fullmatch(text):
            return cls.of_list(identifier)
        raise mistake

    @property
    def kind(self) -> Kind:
        """The kind of the subject."""
        if list_id_of(self.key):
            return Kind.LIST
        return Kind.DOMAIN if self.key.startswith(_EVERYBODY) else Kind.ADDRESS

    def __str__(self) -> str:
        """Return the text that :meth:`parse` reads."""
        if identifier := list_id_of(self.key):
            return identifier if _HOST.fullmatch(identifier) else f"<{identifier}>"
        return self.key if self.kind is Kind.DOMAIN else quoted_where_needed(self.key)
