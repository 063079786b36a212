"""Clear waiting mail: file it to the archive without a decision.

A part of the mail is read, patched and reported at a time. Every step can be repeated: mail that
has left the Screener is not found again, so a clearing that was interrupted is simply run again.
"""

from collections.abc import Callable
from datetime import timedelta

from mailroom.jmap.listing import list_ids
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.waive import archive_of, may_be_waived, waive
from mailroom.screener.passes.mail_run import MailRule, MailRun, RunResult
from mailroom.screener.search.places import read_places

ShowProgress = Callable[[int, int], None]
"""Called with the number of mails that were looked at, and the number of all mails."""


class Clearing:
    """Clears the waiting mail of one account.

    Args:
        account: the account's mail.
        categories: the categories.
        layout: the other mailboxes and names.
    """

    def __init__(self, account: MailAccount, categories: Categories, layout: Layout) -> None:
        self._account = account
        self._categories = categories
        self._layout = layout

    async def survey(self, older: timedelta | None, show_progress: ShowProgress) -> RunResult:
        """Count the mail that :meth:`run` would waive; write nothing. Raises as :meth:`run`."""
        run = await self.begin(older)
        while run.has_more:
            await run.survey_part()
            show_progress(run.done, run.total)
        return run.result

    async def run(self, older: timedelta | None, show_progress: ShowProgress) -> RunResult:
        """Waive all waiting mail that came longer ago than ``older``; None: all waiting mail.

        Raises:
            HttpError, JmapError: the server cannot be asked; mail that was not waived still waits.
            MissingError: mailboxes or the archive are missing.
        """
        run = await self.begin(older)
        while run.has_more:
            await run.patch_part()
            show_progress(run.done, run.total)
        return run.result

    async def begin(self, older: timedelta | None) -> MailRun:
        """List the waiting mail; the parts of the run waive it. Raises as :meth:`run`."""
        directory, places = await read_places(self._account, self._categories, self._layout)
        archive = archive_of(places)
        _, ids = await list_ids(self._account, [places.screener])
        # By the clock of the server, which has answered by now.
        before = None if older is None else self._account.client.server_now() - older
        # A patch that adds the archive and removes the Screener is right in any state. The patch of
        # a mail that is in other mailboxes as well sets one of them, and would put the mail back if
        # its owner has just removed it from there.
        rule = MailRule(
            applies=lambda email: may_be_waived(email, places, received_before=before),
            patch=lambda email: waive(email, places),
            is_safe=lambda patch: f"mailboxIds/{archive}" in patch,
        )
        return MailRun(self._account, rule, ids, RunResult(directory.path(archive)))
