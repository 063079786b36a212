"""Tries the searches of a pass, so that ``check`` can report the server's limitations."""

from typing import Final

from mailroom.account import Account
from mailroom.screener.arrivals.correspondents import Correspondents
from mailroom.screener.passes.gather import Gatherer
from mailroom.screener.search.mail_search import Search

_NOBODY: Final = "nobody@mailroom.invalid"


async def find_limitations(account: Account) -> tuple[str, ...]:
    """Search for an address that nobody has, as a pass would, and return the server's limitations.

    Nothing is changed. Each limitation is a sentence that also says what Mailroom does instead.

    Raises:
        HttpError, JmapError: the server cannot be asked.
        MissingError: the account lacks mailboxes.
    """
    settings, mail = account.settings, await account.mail()
    gatherer = Gatherer(mail, settings.categories, settings.screener.layout, new_mail_finder=None)
    gathered = await gatherer.gather()
    nobody = frozenset({_NOBODY})
    await gatherer.mail_of([Search(nobody, gathered.places.swept)])
    await Correspondents(mail).among(nobody, gathered.places.sent)
    return tuple(limitation.value for limitation in mail.habits)
