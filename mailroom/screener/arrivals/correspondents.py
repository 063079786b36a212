"""Whom the user has written to, as the mailbox with the role ``sent`` tells. Reads only."""

from mailroom.jmap.account import MailAccount
from mailroom.screener.people import RECIPIENTS_OF_MAIL
from mailroom.screener.search import MailSearch, Sweep


class Correspondents:
    """Whom the user has written to.

    Who was once found is remembered. Who was not is asked for again: the user may have written to
    them in the meantime, and what they answer must not be held up.

    Args:
        account: the user's mail.
    """

    def __init__(self, account: MailAccount) -> None:
        self._search = MailSearch(account, RECIPIENTS_OF_MAIL)
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
            _, emails = await self._search.find([Sweep(asked, sent)])
            for email in emails:
                self._known |= RECIPIENTS_OF_MAIL.keys(email) & asked
        return addresses & self._known
