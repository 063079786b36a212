"""The mark that records Mailroom's changes of a card, so that an undo can take them back. Pure.

    made=<digest>              Mailroom made the card; digest of kind, FN, N, ORG and EMAIL
    FN=<digest> +ORG=<digest>  Mailroom filled FN, which was empty, and added ORG

A digest is the beginning of a SHA-256 hash. If a value on the card no longer has the digest in the
mark, somebody else has changed this value.

Over CardDAV the mark is the property ``X-MAILROOM``, over JMAP a vendor-specific property of the
card's ``name`` object. An account may be switched from one protocol to the other, so each backend
understands the mark of the other. Each protocol computes digests in its own way; :class:`Written`
computes both.

A digest covers the meaning of a value, not its bytes, because servers fold, escape and reorder
values and add parameters. The text of a mark holds no character that servers escape (``;``, ``,``).
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from mailroom.contacts.note import is_only_by_mailroom, list_in, triage_lines

_TOKEN: Final = re.compile(r"(?P<added>\+?)(?P<name>[A-Za-z]+)=(?P<digest>[0-9a-f]+)")
_DIGITS: Final = 16
COMPONENTS: Final = (
    *("surname", "given", "given2", "title", "credential"),
    *("surname2", "generation"),
)
"""JSContact's kinds for the parts of N, in their order (RFC 9555 section 2.5.5, RFC 9554)."""

VCARD_PROPERTY: Final = "X-MAILROOM"
"""The property of a vCard that holds the mark."""
MADE: Final = "made="
"""The beginning of the mark of a card that Mailroom made."""
JSCONTACT_PROPERTY: Final = "mailroom:mark"
"""The property of a JSContact Name object that holds the mark."""

Values = tuple[tuple[str, ...], ...]
"""The non-empty values of a property; each value is a tuple of its parts."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A field that Mailroom filled.

    Attributes:
        digest: the digest of the value that Mailroom filled in.
        added: True if Mailroom added the property; False if the property was there, but empty.
    """

    digest: str
    added: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of a mark.

    Attributes:
        made: the digest of a card that Mailroom made; empty for any other card.
        filled: the fields that Mailroom filled, by property name. The names are ``FN``, ``N`` and
            ``ORG`` over CardDAV; ``full``, ``components`` and ``organization`` over JMAP.
    """

    made: str = ""
    filled: Mapping[str, Filled] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: str) -> Self:
        """Parse the text of a mark; unknown tokens are ignored."""
        made, filled = "", {}
        for token in _TOKEN.finditer(value):
            if token["name"] == "made":
                made = token["digest"]
            else:
                filled[token["name"]] = Filled(token["digest"], added=bool(token["added"]))
        return cls(made, filled)

    def __str__(self) -> str:
        tokens = [f"made={self.made}"] if self.made else []
        for name, field_ in self.filled.items():
            tokens.append(f"{'+' if field_.added else ''}{name}={field_.digest}")
        return " ".join(tokens)


@dataclass(frozen=True, slots=True)
class Written:
    """The parts of a card that Mailroom writes, in the terms of vCard, for both protocols.

    Attributes:
        kind: in lower case; ``individual`` if the card names none.
        full: FN.
        name: N, its parts in the order of :data:`COMPONENTS`; empty parts at the end are left out.
        organization: ORG: the name, then the units.
        email: EMAIL.
    """

    kind: str
    full: Values = ()
    name: Values = ()
    organization: Values = ()
    email: Values = ()

    @property
    def digests(self) -> frozenset[str]:
        """The digests that ``made=`` may have if the card was made over either protocol."""
        variants = [self]
        if self.name == self.full:
            # Cyrus writes FN into N where a card that was made over JMAP has no name components.
            variants.append(replace(self, name=()))
        return frozenset(
            digest
            for written in variants
            for digest in (written.vcard_digest, written.jscontact_digest)
        )

    @property
    def vcard_digest(self) -> str:
        """The digest of a card that Mailroom makes over CardDAV."""
        values = {"FN": self.full, "N": self.name, "ORG": self.organization, "EMAIL": self.email}
        return digest({"kind": self.kind} | {name: sorted(values[name]) for name in values})

    @property
    def jscontact_digest(self) -> str:
        """The digest of a card that Mailroom makes over JMAP."""
        return digest(
            {
                "kind": self.kind,
                "full": self.full[0][0] if self.full else "",
                "components": sorted(
                    (kind, part)
                    for parts in self.name
                    for kind, part in zip(COMPONENTS, parts, strict=False)
                    if part
                ),
                "organizations": sorted(parts[0] for parts in self.organization if parts[0]),
                "emails": sorted(parts[0] for parts in self.email),
            }
        )

    def is_as_mailroom_writes(self, note: str) -> bool:
        """Return True if Mailroom may have written all these parts, with a decision in the note."""
        if self.kind != "individual" or len(self.full) != 1:
            return False
        if len(self.email) != 1 and not (list_in(note) and not self.email):
            return False
        if not (triage_lines(note) and is_only_by_mailroom(note)):
            return False
        if self.organization:
            # For a company, ORG and FN are equal. N is empty, or Cyrus has copied FN into N.
            return self.organization == self.full and self.name in {(), self.full}
        # For a person, each word of N is also in FN. FN may be "Bloggs, Ann".
        words = " ".join(part for parts in self.name for part in parts).split()
        return bool(words) and {*words} <= {*self.full[0][0].replace(",", " ").split()}


def name_values(components: Iterable[tuple[str, str]]) -> Values:
    """Return JSContact's name components as the values of N."""
    parts = dict.fromkeys(COMPONENTS, "")
    for kind, value in components:
        if kind in parts:
            parts[kind] = f"{parts[kind]} {value}".strip()
    values = [*parts.values()]
    while values and not values[-1]:
        values.pop()
    return (tuple(values),) if values else ()


def field_digests(name: str, values: Values) -> frozenset[str]:
    """Return the digests that a mark may hold for a field, if it was filled over either protocol.

    Args:
        name: ``FN``, ``N`` or ``ORG``.
        values: the values of this property on the card.
    """
    jscontact_value: Any
    match name:
        case "FN":
            jscontact_value = values[0][0] if values else ""
        case "N":
            # Over JMAP, Mailroom fills the first two components: surname and given name.
            pairs = (pair for parts in values for pair in zip(COMPONENTS, parts, strict=False))
            jscontact_value = sorted(
                pair for pair in pairs if pair[1] and pair[0] in COMPONENTS[:2]
            )
        case _:
            jscontact_value = [{"name": parts[0]} for parts in values if len(parts) == 1]
    return frozenset({digest(sorted(values)), digest(jscontact_value)})


def digest(value: object) -> str:
    """Return the digest of a value.

    The order of keys in an object does not count. The order in a list counts, so the caller sorts a
    list that servers may reorder.
    """
    data = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()[:_DIGITS]
