"""The user's own addresses: the identities, and the senders of mail in Sent and Drafts. Reads only.

Some servers have no identities, and the user may write from addresses that are no identity. An
identity ``*@domain`` does not make every sender at the domain the user, so such a sender is
searched for in Sent and Drafts.
"""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import Email
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.request import Operation, Results
from mailroom.jmap.sent_mail import get_newest_sent
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import UnusableFromError, is_own, may_be_own, sender_of

_NEWEST: Final = 256
"""The number of newest mails of each mailbox (Sent, Drafts) that are read for own addresses."""


class OwnAddresses:
    """Learns the user's own addresses and remembers them.

    Args:
        account: the user's mail.
    """

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._learned: frozenset[str] | None = None

    def addresses(self, places: Places) -> Operation[tuple[str, ...]]:
        """Return the operation that reads all own addresses.

        Mail in Sent and Drafts is read the first time only.
        """
        identities = self._account.identities()
        mailboxes = sorted(places.sent | places.drafts) if self._learned is None else []
        limit = min(_NEWEST, self._account.page_size)
        newest = [
            get_newest_sent(self._account.id, mailbox_id, limit=limit) for mailbox_id in mailboxes
        ]

        def read(results: Results) -> tuple[str, ...]:
            learned = set(self._learned or ())
            for sent in newest:
                # If the server refuses to list sent mail, the identities are known anyway.
                with suppress(MethodError):
                    learned |= sent.read(results).senders
            self._learned = frozenset(learned)
            return tuple(dict.fromkeys((*identities.read(results), *sorted(learned - {""}))))

        calls = [*identities.calls, *(call for sent in newest for call in sent.calls)]
        return Operation(tuple(calls), read)


def in_doubt(addresses: Iterable[str], own_addresses: tuple[str, ...]) -> frozenset[str]:
    """Return the addresses that have to be searched for in Sent and Drafts. Pure."""
    return frozenset(
        address
        for address in addresses
        if may_be_own(address, own_addresses) and not is_own(address, own_addresses)
    )


def senders_of(emails: Iterable[Email]) -> frozenset[str]:
    """Return the keys of the senders of mails; mails that name no sender or several are ignored."""
    senders = set[str]()
    for email in emails:
        with suppress(UnusableFromError):
            senders.add(sender_of(email).key)
    return frozenset(senders)
