"""One account, as its stores and methods see it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from mailroom.sandbox.errors import RefusedError
from mailroom.sandbox.quirks import Quirks
from mailroom.sandbox.states import States

Arguments = dict[str, Any]
"""The arguments of a method or its result, as decoded from JSON."""

Method = Callable[[Arguments], Arguments]
"""Carries out one call. Back-references are resolved; ``accountId`` is checked and removed from the
arguments, and need not be in the result. A method must not await, because requests must not mix.

Raises:
    MethodFailure: the call is refused.
"""


@dataclass(eq=False, slots=True)
class AccountContext:
    """The facts and counters that all types of one account share.

    Attributes:
        id: the id of the account, which is the name of its user (as on Cyrus).
        addresses: the user's own addresses; each has an identity.
        quirks: the habits of the server.
        clock: returns seconds that never go back; the search index uses it.
        states: the states of all types. Recording a change there also wakes push.
        created_ids: creation id -> id of each object that the current request has created
            (RFC 8620 section 5.3).
        writes: the number of objects so far in all ``/set`` calls.
    """

    id: str
    addresses: tuple[str, ...]
    quirks: Quirks
    clock: Callable[[], float]
    states: States
    created_ids: dict[str, str] = field(default_factory=dict)
    writes: int = 0

    def throttle(self) -> None:
        """Count a write.

        Raises:
            RefusedError: the server refuses every n-th write, and this is one of them.
        """
        self.writes += 1
        every = self.quirks.throttle_every
        if every and self.writes % every == 0:
            raise RefusedError("rateLimit")

    def all_ids(self, ids: Iterable[str]) -> list[str]:
        """Return the ids that a ``/get`` with ``ids: null`` reads."""
        quirks = self.quirks
        most = quirks.limits.max_objects_in_get if quirks.querying.cuts_all else None
        return list(ids)[:most]
