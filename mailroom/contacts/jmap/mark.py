"""The mark that tells what Mailroom did to a JSContact card, so that it can take it back. Pure.

It is a vendor-specific property (RFC 9553 section 1.8.1) inside ``name``, in the words of
:class:`mailroom.contacts.mark.Mark`:

    "name": {"full": "Acme", "mailroom:mark": "made=<digest>"}
    "name": {"full": "Ann", "mailroom:mark": "full=<digest> organization=<digest>"}

Servers keep cards as vCards; there it is a JSPROP (RFC 9555 section 3.2.1). Inside ``name``, as
on the card itself Cyrus (Fastmail) hides such a property from who does not ask for it by name, and
Stalwart refuses it; ``vCardProps`` are dropped by Cyrus, and anything else would be seen by people.
Who replaces the whole name takes the mark away with it, and then the card is simply theirs.
"""

from collections.abc import Mapping
from typing import Any, Final

from mailroom.contacts.jmap.fields import (
    JsCard,
    components_of,
    entries,
    kind_of,
    name_of,
    note_of,
    text,
    texts,
)
from mailroom.contacts.mark import Mark, digest
from mailroom.contacts.note import is_only_triage

MARK: Final = "mailroom:mark"
_EXPECTED: Final = frozenset(
    {
        *("@type", "version", "id", "uid", "kind", "addressBookIds"),
        *("created", "updated", "prodId", "vCardProps"),
        *("cyrusimap.org:blobId", "cyrusimap.org:size", "cyrusimap.org:href"),
        *("name", "organizations", "emails", "notes"),
    }
)
"""What is on a card that nobody touched: what Mailroom writes, and what servers add on their own.
``updated`` says nothing: our own notes set it as well."""
_EXPECTED_WITHIN: Final = {
    "organizations": frozenset({"@type", "name"}),
    "emails": frozenset({"@type", "address"}),
    "notes": frozenset({"@type", "note"}),
}
_EXPECTED_IN_NAME: Final = frozenset({"@type", "full", "components", MARK})
_VCARD_NOISE: Final = frozenset({"version", "prodid"})
"""Properties of a vCard that servers report and that say nothing of the person."""


def mark_of(card: JsCard) -> Mark:
    """The mark on a card; an empty one if there is none."""
    return Mark.parse(text(name_of(card).get(MARK)))


def digest_of_card(card: JsCard) -> str:
    """A digest of what Mailroom writes on a card it makes, but for the note."""
    return digest(
        {
            "kind": kind_of(card),
            "full": text(name_of(card).get("full")),
            "components": sorted(components_of(card)),
            "organizations": sorted(texts(card, "organizations", "name")),
            "emails": sorted(texts(card, "emails", "address")),
        }
    )


def is_as_written(card: JsCard) -> bool:
    """Whether Mailroom made the card and all that it wrote (but the note) is as it was."""
    return mark_of(card).made == digest_of_card(card)


def is_untouched(card: JsCard) -> bool:
    """Whether Mailroom made the card and nobody else changed or added anything."""
    return (
        is_as_written(card)
        and all(name in _EXPECTED for name, value in card.items() if not _is_empty(value))
        and name_of(card).keys() <= _EXPECTED_IN_NAME
        and all(
            each.keys() <= expected
            for name, expected in _EXPECTED_WITHIN.items()
            for _, each in entries(card, name)
        )
        and all(_is_noise(each) for each in card.get("vCardProps") or ())
        and is_only_triage(note_of(card))
    )


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def _is_noise(vcard_property: Any) -> bool:
    match vcard_property:
        case [str(name), *_]:
            return name.lower() in _VCARD_NOISE
        case _:
            return False


def marked(name: Mapping[str, Any], mark: Mark) -> dict[str, Any]:
    """A Name object with this mark in place of any other; with an empty one, without it."""
    rest = {key: value for key, value in name.items() if key != MARK}
    return {**rest, MARK: str(mark)} if str(mark) else rest
