"""Remove mail with one-time codes from the Inbox after a day. The mail still waits in the Screener.

Every step can be repeated: mail that lost the keyword is not found again.
"""

from mailroom.jmap.listing import list_ids
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.code_mail import DAY, is_day_over, remove_from_inbox
from mailroom.screener.model.keywords import CODE
from mailroom.screener.passes.mail_run import MailRule, MailRun, RunResult
from mailroom.screener.search.places import read_places


async def begin_code_removal(
    account: MailAccount, categories: Categories, layout: Layout
) -> MailRun:
    """Return the run that removes mail with codes from the Inbox if it is older than a day.

    Args:
        account: the account's mail.
        categories: the categories.
        layout: the other mailboxes and names.

    Raises:
        HttpError, JmapError: the server cannot be asked.
        MissingError: mailboxes are missing.
    """
    _, places = await read_places(account, categories, layout)
    _, ids = await list_ids(account, [places.inbox, places.screener], keyword=CODE)
    # By the server's clock, which is known because the server has answered.
    before = account.client.server_now() - DAY
    # A patch that moves mail would bring the mail back to the Screener if its owner has just filed
    # it. So the patch is never sent without a state; a later run moves the mail.
    rule = MailRule(
        applies=lambda email: is_day_over(email, places, received_before=before),
        patch=lambda email: remove_from_inbox(email, places),
        is_safe=lambda patch: not any(path.startswith("mailboxIds/") for path in patch),
    )
    return MailRun(account, rule, ids, RunResult())
