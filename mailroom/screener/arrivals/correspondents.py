"""Whom the user has written to, as the mailbox with the role ``sent`` tells. Reads only."""

from collections.abc import Iterator
from typing import Final

from mailroom.contacts.address import key_of, spellings
from mailroom.jmap.account import MailAccount
from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import RECIPIENTS, Email, Filter
from mailroom.screener.filters import in_any_and_any

_FIELDS: Final = ("To", "Cc", "Bcc")


class Correspondents:
    """Whom the user has written to.

    Who was once found is remembered. Who was not is asked for again: the user may have written to
    them in the meantime, and what they answer must not be held up.

    Args:
        account: the user's mail.
    """

    def __init__(self, account: MailAccount) -> None:
        self._account = account
        self._known: set[str] = set()

    async def among(self, addresses: frozenset[str], sent: frozenset[str]) -> frozenset[str]:
        """Those of these addresses (their keys) that the user has written to.

        All are asked for at once, in as few requests as the server's limits allow.

        Args:
            addresses: who might be one.
            sent: the mailboxes of that role.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        asked = addresses - self._known
        if asked and sent:
            for email in await self._sent_to(asked, sent):
                self._known |= {key_of(each.email.strip()) for each in email.recipients} & asked
        return addresses & self._known

    async def _sent_to(self, addresses: frozenset[str], sent: frozenset[str]) -> list[Email]:
        """At least all mail in the mailboxes that went to one of the addresses."""
        try:
            return await self._find(list(_filters(addresses, sent, with_header=True)))
        except MethodError as error:
            if error.type != "unsupportedFilter":
                raise
        return await self._find(list(_filters(addresses, sent, with_header=False)))

    async def _find(self, filters: list[Filter]) -> list[Email]:
        _, emails = await self._account.find(filters, also=RECIPIENTS)
        return list(emails)


def _filters(
    addresses: frozenset[str], sent: frozenset[str], *, with_header: bool
) -> Iterator[Filter]:
    """Asked both ways: the search index is late, and ``header`` takes encoded text as it is."""
    for_each = (_is_to(address, with_header=with_header) for address in sorted(addresses))
    return in_any_and_any(sent, for_each)


def _is_to(address: str, *, with_header: bool) -> list[Filter]:
    written = [(field, each) for field in _FIELDS for each in spellings(address)]
    conditions: list[Filter] = [{field.lower(): each} for field, each in written]
    return conditions + [{"header": [field, each]} for field, each in written if with_header]
