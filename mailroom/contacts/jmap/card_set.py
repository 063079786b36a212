"""The operation that makes, changes and destroys cards (``ContactCard/set`` of RFC 9610)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mailroom.contacts.jscontact.fields import JsCard
from mailroom.contacts.model import ContactEdit, UpdateCard
from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.methods import NOT_FOUND, STATE_MISMATCH, set_objects
from mailroom.jmap.request import Operation, Results

BAD_PATH: Final = frozenset({"invalidProperties", "invalidPatch"})
"""The types by which a server refuses a path in a patch."""
_OUTDATED: Final = frozenset({STATE_MISMATCH, "serverPartialFail"})
_EDIT_SIZE: Final = 4000
"""Octets of an edit in a request, without its note; a generous estimate."""
_OCTETS_PER_CHARACTER: Final = 6


@dataclass(frozen=True, slots=True)
class Changes:
    """The arguments of one ``ContactCard/set``: objects by creation id, patches by card id."""

    create: Mapping[str, JsCard] = field(default_factory=dict)
    update: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    destroy: Collection[str] = ()
    if_in_state: str | None = None

    def __bool__(self) -> bool:
        return bool(self.create or self.update or self.destroy)


@dataclass(frozen=True, slots=True)
class Done:
    """The result of one ``ContactCard/set``.

    Attributes:
        refusal: the error if the whole call was refused.
        failed: creation or card id -> the reason why the card was not changed.
    """

    refusal: MethodError | None = None
    failed: Mapping[str, SetError] = field(default_factory=dict)

    @property
    def is_outdated(self) -> bool:
        """True if the cards have changed since they were read.

        Somebody else changed them, or this call did a part of its work (RFC 8620 section 3.6.2).
        """
        return self.refusal is not None and self.refusal.type in _OUTDATED


def set_cards(account_id: str, changes: Changes) -> Operation[Done]:
    """Return the operation that makes, patches and destroys cards, in this order.

    Each card is changed atomically (RFC 8620 section 5.3). A refusal is returned in the result and
    not raised, because the server carries out the other calls of the request all the same. Without
    changes the operation has no call.
    """
    if not changes:
        return Operation((), lambda _: Done())
    setting = set_objects(
        "ContactCard",
        account_id,
        create=changes.create or None,
        update=changes.update or None,
        destroy=changes.destroy or None,
        if_in_state=changes.if_in_state or None,
    )

    def read(results: Results) -> Done:
        try:
            return Done(failed=setting.read(results).failed)
        except MethodError as error:
            return Done(refusal=error)

    return Operation(setting.calls, read)


def edit_octets(edit: ContactEdit) -> int:
    """Return the largest size of an edit in a request; the whole note is sent."""
    note = edit.card.card.note if isinstance(edit.card, UpdateCard) else ""
    return _EDIT_SIZE + _OCTETS_PER_CHARACTER * len(note)


def is_taken(error: SetError | None) -> bool:
    """Return True if a card could not be made because there is one with its uid."""
    if error is None:
        return False
    return error.type == "alreadyExists" or "uid" in error.properties


def is_gone(error: SetError | None) -> bool:
    """Return True if a card could not be changed because there is none with its id."""
    return error is not None and error.type == NOT_FOUND
