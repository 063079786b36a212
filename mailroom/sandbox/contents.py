"""Which mails are in which mailbox, so that a mailbox is read without looking at every mail."""

from collections.abc import Iterable, Mapping
from itertools import chain


class Contents:
    """The ids of the mails in each mailbox of an account."""

    def __init__(self) -> None:
        self._inside: dict[str, dict[str, None]] = {}

    def move(
        self, email_id: str, before: frozenset[str], after: frozenset[str] = frozenset()
    ) -> None:
        """Take a mail out of the mailboxes that it was in, and put it into others."""
        for mailbox_id in before - after:
            del self._inside[mailbox_id][email_id]
        for mailbox_id in after - before:
            self._inside.setdefault(mailbox_id, {})[email_id] = None

    def rename(self, new: Mapping[str, str]) -> None:
        """Give every mail another id; ``new`` has them by the old ones."""
        self._inside = {
            mailbox_id: {new[each]: None for each in inside}
            for mailbox_id, inside in self._inside.items()
        }

    def of(self, mailbox_ids: Iterable[str]) -> Iterable[str]:
        """Return the ids of the mails in any of some mailboxes, each once."""
        return dict.fromkeys(
            chain.from_iterable(self._inside.get(each, {}) for each in mailbox_ids)
        )
