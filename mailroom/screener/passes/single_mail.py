"""Move one mail without a decision; read the mail again if it changed meanwhile."""

from collections.abc import Callable
from typing import Final

from mailroom.jmap.email_store import Written
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.places import Directory, Places, locate
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 4
"""The largest number of attempts while somebody else changes mail."""

MoveOf = Callable[[Email, Places], Patch | None]
"""A function that returns the patch for a mail; None if the mail was moved elsewhere."""


class MailNotMovedError(Exception):
    """The mail was not moved; the text says why, for a person."""


async def move_mail(
    account: MailAccount, email_id: str, move_of: MoveOf, categories: Categories, layout: Layout
) -> None:
    """Move one mail.

    Raises:
        MailNotMovedError: the mail was moved or deleted, or the server refuses the update.
        HttpError, JmapError: the server cannot be asked.
        MissingError: mailboxes are missing.
    """
    places = locate(Directory(await account.mailboxes()), categories, layout)
    errors = dict[str, SetError]()

    def note(written: Written) -> None:
        errors.update(written.updated.failed)

    async def attempt(ids: dict[str, Patch]) -> dict[str, Patch]:
        state, emails = await account.read(list(ids))
        patches = {email.id: patch for email in emails if (patch := move_of(email, places))}
        if not patches:
            raise MailNotMovedError("the mail is no longer there")
        return dict(await account.update_in_state(patches, state, note))

    work: dict[str, Patch] = {email_id: {}}
    if await retry_while_changed(attempt, work, tries=_TRIES):
        raise MailNotMovedError("another program changes mail all the time; try again")
    if error := errors.get(email_id):
        raise MailNotMovedError(f"the mail server refused to move the mail: {error}")
