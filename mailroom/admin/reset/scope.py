"""The account that a reset works on, and the names of Mailroom's things in it."""

from dataclasses import dataclass
from typing import Self

from mailroom.account import Account
from mailroom.contacts.book import AddressBook
from mailroom.jmap.mail_account import MailAccount
from mailroom.report.bars import ShowProgress
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.passes.gather import Gatherer


@dataclass(frozen=True, slots=True)
class Scope:
    """An account, and the names of Mailroom's things in it.

    Attributes:
        mail: the mail account.
        book: the address book.
        gatherer: finds mail.
        categories: the configured categories.
        layout: the names of the other mailboxes, labels and groups.
        show_progress: called as the work goes on.
    """

    mail: MailAccount
    book: AddressBook
    gatherer: Gatherer
    categories: Categories
    layout: Layout
    show_progress: ShowProgress

    @classmethod
    async def of(cls, account: Account, show_progress: ShowProgress) -> Self:
        """Return an account's scope. Raises as :meth:`Account.mail` and :meth:`Account.book`."""
        mail, book = await account.mail(), await account.book()
        categories, layout = account.settings.categories, account.settings.screener.layout
        gatherer = Gatherer(mail, categories, layout, new_mail_finder=None)
        return cls(mail, book, gatherer, categories, layout, show_progress)
