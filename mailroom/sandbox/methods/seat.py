"""The mail of one account, as every mail method uses it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailroom.sandbox.arguments import RefusedError
from mailroom.sandbox.plugin import Seat
from mailroom.sandbox.store import MailStore


@dataclass(frozen=True, slots=True)
class Mail:
    """One account's mail.

    Attributes:
        store: the mailboxes and mails.
        seat: the account around them.
        addresses: the user's own, of which there are identities.
        now: the store's clock.
    """

    store: MailStore
    seat: Seat
    addresses: tuple[str, ...]
    now: Callable[[], float]

    def cut(self, ids: Iterable[str]) -> list[str]:
        """Return the ids that a ``/get`` with ``ids: null`` reads."""
        quirks = self.seat.quirks
        most = quirks.limits.max_objects_in_get if quirks.querying.cuts_all else None
        return list(ids)[:most]

    def throttle(self) -> None:
        """Call it before each write in a ``/set``.

        Raises:
            RefusedError: the server refuses this one.
        """
        error = self.seat.throttle()
        if error is not None:
            raise RefusedError(error)
