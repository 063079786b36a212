"""The mails in the search index. Pure."""

from dataclasses import dataclass

from mailroom.sandbox.quirks import Querying
from mailroom.sandbox.store import Email, MailStore


@dataclass(frozen=True, slots=True)
class Index:
    """The search index of one account at one moment.

    Attributes:
        now: the time of the store's clock; mails with a later ``indexed_at`` are not indexed yet.
        first_missing: the number of the oldest record that the index does not have yet.
    """

    now: float
    first_missing: float

    @classmethod
    def of(cls, store: MailStore, habits: Querying, now: float) -> "Index":
        """Return the index at the time ``now``."""
        first_missing = float("inf")
        if habits.behind:
            records = sorted((each.record for each in store.emails.values()), reverse=True)
            first_missing = min(records[: habits.behind], default=first_missing)
        return cls(now, first_missing)

    def has(self, email: Email) -> bool:
        """Return True if a mail can be found by searching."""
        is_due = email.indexed_at is not None and email.indexed_at <= self.now
        return is_due and email.record < self.first_missing
