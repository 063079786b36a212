"""Find the mailboxes of an account that the configuration names."""

from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.places import Directory, Places, locate


async def read_places(
    account: MailAccount, categories: Categories, layout: Layout
) -> tuple[Directory, Places]:
    """Read all mailboxes of an account, and find those that the configuration names.

    Raises:
        HttpError, JmapError: the server cannot be asked.
        MissingError: some mailboxes are missing.
    """
    directory = Directory(await account.mailboxes())
    return directory, locate(directory, categories, layout)
