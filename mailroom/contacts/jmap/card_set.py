"""The operation that makes, changes and destroys cards (``ContactCard/set`` of RFC 9610)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mailroom.contacts.jscontact.fields import JsCard
from mailroom.jmap.answers import NO_WORD, checked
from mailroom.jmap.errors import MethodError, SetError
from mailroom.jmap.request import Call, Operation, Results

BAD_PATH: Final = frozenset({"invalidProperties", "invalidPatch"})
"""The types by which a server refuses a path in a patch."""
_OUTDATED: Final = frozenset({"stateMismatch", "serverPartialFail"})


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
    parts = {
        "create": changes.create,
        "update": changes.update,
        "destroy": [*changes.destroy],
        "ifInState": changes.if_in_state,
    }
    arguments = {name: value for name, value in parts.items() if value}
    call = Call("ContactCard/set", {"accountId": account_id, **arguments})

    def read(results: Results) -> Done:
        try:
            return _done(results[call], changes, call)
        except MethodError as error:
            return Done(refusal=error)

    return Operation((call,), read)


def _done(answer: Mapping[str, Any], changes: Changes, call: Call) -> Done:
    """Read the answer to a ``/set``; a change that the answer does not mention has failed."""
    destroyed = checked(answer.get("destroyed") or [], list, call)
    told = {
        *checked(answer.get("created") or {}, dict, call),
        *checked(answer.get("updated") or {}, dict, call),
        *(each for each in destroyed if isinstance(each, str)),
    }
    asked = (*changes.create, *changes.update, *changes.destroy)
    failed = {each: NO_WORD for each in asked if each not in told}
    for name in ("notCreated", "notUpdated", "notDestroyed"):
        refused = checked(answer.get(name) or {}, dict, call)
        failed |= {each: SetError.parse(error) for each, error in refused.items()}
    return Done(failed=failed)


def is_taken(error: SetError | None) -> bool:
    """Return True if a card could not be made because there is one with its uid."""
    if error is None:
        return False
    return error.type == "alreadyExists" or "uid" in error.properties


def is_gone(error: SetError | None) -> bool:
    """Return True if a card could not be changed because there is none with its id."""
    return error is not None and error.type == "notFound"
