"""What every part of a reset works on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from mailroom.account import Account
from mailroom.contacts.book import AddressBook
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.passes.gather import Gatherer

ShowProgress = Callable[[str, int, int], None]
"""Hears how work goes on: what is done, how much of it is over, and of how much."""


@dataclass(frozen=True, slots=True)
class Scope:
    """An account, and what Mailroom's things are called in it.

    Attributes:
        mail: its mail.
        book: its contacts.
        gatherer: finds mail.
        categories: where senders were sent.
        layout: the other names.
        show_progress: hears how work goes on.
    """

    mail: MailAccount
    book: AddressBook
    gatherer: Gatherer
    categories: Categories
    layout: Layout
    show_progress: ShowProgress

    @classmethod
    async def of(cls, account: Account, show_progress: ShowProgress) -> Self:
        """All of an account. Raises as :meth:`Account.mail` and :meth:`Account.book`."""
        mail, book = await account.mail(), await account.book()
        categories, layout = account.settings.categories, account.settings.screener.layout
        gatherer = Gatherer(mail, categories, layout, inbox=None)
        return cls(mail, book, gatherer, categories, layout, show_progress)
