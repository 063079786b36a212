"""The people that the user has written to, found in the mailboxes for sent mail. Reads only."""

from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.search.mail_search import MailSearch, Search
from mailroom.screener.search.people import RECIPIENTS_OF_MAIL


class Correspondents:
    """Finds the people that the user has written to.

    People who were found once are remembered. The others are searched for each time, because the
    user may have written to them meanwhile, and their replies must not go to the Screener.

    Args:
        account: the user's mail.
    """

    def __init__(self, account: MailAccount) -> None:
        self._search = MailSearch(account, RECIPIENTS_OF_MAIL)
        self._known: set[str] = set()

    async def among(self, addresses: frozenset[str], sent: frozenset[str]) -> frozenset[str]:
        """Return those of ``addresses`` that the user has written to.

        The addresses are searched for at once, in as few requests as the server's limits allow.

        Args:
            addresses: the keys of the addresses in question.
            sent: the mailboxes with the role ``sent``.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        asked = addresses - self._known
        if asked and sent:
            _, emails = await self._search.find([Search(asked, sent)])
            for email in emails:
                self._known |= RECIPIENTS_OF_MAIL.keys(email) & asked
        return addresses & self._known
