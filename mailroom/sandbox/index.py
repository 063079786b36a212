"""Which mail the search index holds. Pure."""

from dataclasses import dataclass

from mailroom.sandbox.quirks import Querying
from mailroom.sandbox.store import Email, MailStore


@dataclass(frozen=True, slots=True)
class Index:
    """The search index of one account at one moment.

    Attributes:
        now: the store's clock; a mail that is to be indexed later than this is not indexed yet.
        first_missing: the number of the oldest record that the index is behind by.
    """

    now: float
    first_missing: float

    @classmethod
    def of(cls, store: MailStore, habits: Querying, now: float) -> "Index":
        """Return the index as it is at ``now``."""
        first_missing = float("inf")
        if habits.behind:
            records = sorted((each.record for each in store.emails.values()), reverse=True)
            first_missing = min(records[: habits.behind], default=first_missing)
        return cls(now, first_missing)

    def has(self, email: Email) -> bool:
        """Return True if a mail can be found by searching."""
        is_due = email.indexed_at is not None and email.indexed_at <= self.now
        return is_due and email.record < self.first_missing
