"""Move one mail without a decision; read the mail again if it changed meanwhile."""

from collections.abc import Callable

from mailroom.jmap.mail import Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.places import Places
from mailroom.screener.passes.mail_run import MailRule, MailRun, RunResult
from mailroom.screener.search.places import read_places

MoveOf = Callable[[Email, Places], Patch | None]
"""A function that returns the patch for a mail; None if the mail was moved elsewhere."""


class MailNotMovedError(Exception):
    """The mail was not moved; the text says why, for a person."""


async def move_mail(
    account: MailAccount, email_id: str, move_of: MoveOf, categories: Categories, layout: Layout
) -> None:
    """Move one mail.

    Raises:
        MailNotMovedError: somebody else has moved or deleted the mail, or the server refuses.
        HttpError, JmapError: the server cannot be asked.
        MissingError: mailboxes are missing.
    """
    _, places = await read_places(account, categories, layout)
    rule = MailRule(
        applies=lambda email: bool(move_of(email, places)),
        patch=lambda email: move_of(email, places) or {},
        # Without a state, the patch could move a mail that its owner has just filed.
        is_safe=lambda _: False,
    )
    run = MailRun(account, rule, [email_id], RunResult())
    await run.patch_part()
    if reason := run.result.failures.get(email_id):
        raise MailNotMovedError(f"the mail was not moved: {reason}")
    if not run.result.mails:
        raise MailNotMovedError("the mail is no longer there")
