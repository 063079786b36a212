"""Reads the bytes of a mail once: header fields in the forms of JMAP (RFC 8621 section 4.1.2).

A value that cannot be read is empty, never an error.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from functools import cached_property
from typing import Final

from mailroom.sandbox.addresses import Address, decoded, read_addresses, unfolded
from mailroom.sandbox.search import Terms

_FIELD: Final = re.compile(rb"^([!-9;-~]+)[ \t]*:(.*(?:\r\n[ \t].*)*)\r\n", re.MULTILINE)
_LONGEST_PREVIEW: Final = 256
"""Characters, the most that RFC 8621 allows."""
_MESSAGE_ID: Final = re.compile(r"<([^<>\s]+)>")


@dataclass(frozen=True)
class Message:
    """A message (RFC 5322), whose lines end in CRLF.

    Attributes:
        raw: the whole message.
    """

    raw: bytes

    @classmethod
    def read(cls, data: bytes) -> "Message":
        """Return a message from bytes whose lines may end in LF alone."""
        return cls(re.sub(rb"\r?\n", b"\r\n", data))

    @cached_property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """The name and raw value of every header field, in order."""
        head = self.raw.partition(b"\r\n\r\n")[0] + b"\r\n"
        return tuple(
            (name.decode("ascii"), value.decode("utf-8", "replace"))
            for name, value in _FIELD.findall(head)
        )

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        values: dict[str, list[str]] = {}
        for name, value in self.fields:
            values.setdefault(name.lower(), []).append(value)
        return values

    def values(self, name: str) -> Sequence[str]:
        """Return the raw values of all fields of that name."""
        return self._by_name.get(name.lower(), ())

    def readable(self, name: str) -> Sequence[str]:
        """Return :meth:`values` without values that are not UTF-8, as Cyrus leaves them out."""
        return [value for value in self.values(name) if "\N{REPLACEMENT CHARACTER}" not in value]

    def last(self, name: str) -> str | None:
        """Return the raw value of the last field of that name."""
        return next(reversed(self.values(name)), None)

    @cached_property
    def senders(self) -> tuple[Address, ...]:
        """The addresses of every From field."""
        return tuple(self._addresses("From"))

    def terms(self, name: str) -> Terms:
        """Return the terms under which the search index has an address field."""
        if name not in self._terms:
            self._terms[name] = Terms.of(list(self._addresses(name)))
        return self._terms[name]

    @cached_property
    def _terms(self) -> dict[str, Terms]:
        return {}

    def _addresses(self, name: str) -> Iterator[Address]:
        for value in self.values(name):
            yield from read_addresses(value) or ()

    @cached_property
    def subject(self) -> str:
        """The subject, decoded; empty if there is none."""
        value = self.last("Subject")
        return "" if value is None else as_text(value)

    @cached_property
    def preview(self) -> str:
        """The beginning of the text in one line (RFC 8621 section 4.1.4); empty without a text."""
        body = message_from_bytes(self.raw, policy=default).get_body(("plain",))
        try:
            text = "" if body is None else str(body.get_content())
        except (LookupError, ValueError):  # a character set or an encoding that is unknown
            text = ""
        return " ".join(text.split())[:_LONGEST_PREVIEW]


def as_text(value: str) -> str:
    """Return a value on one line, with its encoded words decoded, without white space around it."""
    return decoded(unfolded(value))


def as_message_ids(value: str) -> list[str] | None:
    """Return the message ids without their angle brackets; None if there are none."""
    return _MESSAGE_ID.findall(value) or None


def referred_ids(message: Message) -> Iterator[str]:
    """Return the ids of the messages that a message refers to."""
    for name in ("References", "In-Reply-To"):
        for value in message.values(name):
            yield from as_message_ids(value) or ()
