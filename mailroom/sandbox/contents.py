"""The ids of mails by mailbox, so that reading a mailbox does not read every mail."""

from collections.abc import Iterable, Mapping
from itertools import chain


class Contents:
    """The ids of the mails in each mailbox of an account."""

    def __init__(self) -> None:
        self._inside: dict[str, dict[str, None]] = {}

    def move(
        self, email_id: str, before: frozenset[str], after: frozenset[str] = frozenset()
    ) -> None:
        """Move a mail from the mailboxes in ``before`` to the mailboxes in ``after``."""
        for mailbox_id in before - after:
            del self._inside[mailbox_id][email_id]
        for mailbox_id in after - before:
            self._inside.setdefault(mailbox_id, {})[email_id] = None

    def rename(self, new: Mapping[str, str]) -> None:
        """Change the id of every mail; ``new`` holds the new ids by the old ones."""
        self._inside = {
            mailbox_id: {new[each]: None for each in inside}
            for mailbox_id, inside in self._inside.items()
        }

    def of(self, mailbox_ids: Iterable[str]) -> Iterable[str]:
        """Return the ids of the mails in any of some mailboxes, each once."""
        return dict.fromkeys(
            chain.from_iterable(self._inside.get(each, {}) for each in mailbox_ids)
        )
