"""Clear waiting mail: file it to the archive without a decision.

A part of the mail is read, patched and reported at a time. Every step can be repeated: mail that
has left the Screener is not found again, so a clearing that was interrupted is simply run again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from mailroom.contacts.address import key_of
from mailroom.jmap.listing import list_ids
from mailroom.jmap.mail import Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import NOT_FOUND, SetResponse
from mailroom.screener.model.categories import Categories, Layout
from mailroom.screener.model.waive import archive_of, may_be_waived, waive
from mailroom.screener.search.places import read_places
from mailroom.screener.updating import update_in_state
from mailroom.waiting.retrying import retry_while_changed

ShowProgress = Callable[[int, int], None]
"""Called with the number of mails that were looked at, and their total."""

_AT_ONCE: Final = 500
"""Mails that are read and patched at a time."""
_TRIES: Final = 4
"""The number of updates of a part that are held to a state, while others change mail."""
_RESTLESS: Final = "mail is changed by somebody else all the time; try again"


@dataclass(slots=True)
class Cleared:
    """The mail that a run changed, or would change.

    Attributes:
        archive: the path of the mailbox for waived mail; empty if the run waives none.
        mails: the number of mails.
        senders: the keys of their senders; of a mail with several authors, those of all.
        oldest: the time (UTCDate) at which the oldest of them came; empty if there are none.
        failures: mail id -> the reason why the mail still waits.
    """

    archive: str
    mails: int = 0
    senders: set[str] = field(default_factory=set)
    oldest: str = ""
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, emails: Iterable[Email]) -> None:
        """Count mails."""
        for email in emails:
            self.mails += 1
            self.senders.add(" ".join(key_of(author.email) for author in email.from_))
            self.oldest = min(self.oldest or email.received_at, email.received_at)


@dataclass(frozen=True, slots=True)
class ClearingRule:
    """The choice of the mail that leaves, and its patch.

    Attributes:
        applies: returns True if a mail leaves.
        patch: returns the patch of a mail that leaves.
        is_safe: returns True if a patch is right in any state of the mail.
    """

    applies: Callable[[Email], bool]
    patch: Callable[[Email], Patch]
    is_safe: Callable[[Patch], bool]


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

    async def survey(self, older: timedelta | None, show_progress: ShowProgress) -> Cleared:
        """Count the mail that :meth:`run` would waive; write nothing. Raises as :meth:`run`."""
        return await self._each_part(older, show_progress, is_dry=True)

    async def run(self, older: timedelta | None, show_progress: ShowProgress) -> Cleared:
        """Waive all waiting mail that came longer ago than ``older``; None: all waiting mail.

        Raises:
            HttpError, JmapError: the server cannot be asked; mail that was not waived still waits.
            MissingError: mailboxes or the archive are missing.
        """
        return await self._each_part(older, show_progress, is_dry=False)

    async def begin(self, older: timedelta | None) -> "ClearingRun":
        """List the waiting mail; the parts of the run clear it. Raises as :meth:`run`."""
        directory, places = await read_places(self._account, self._categories, self._layout)
        archive = archive_of(places)
        cleared = Cleared(directory.path(archive))
        _, ids = await list_ids(self._account, [places.screener])
        # By the clock of the server, which has answered by now.
        before = None if older is None else self._account.client.server_now() - older
        # A patch that adds the archive and removes the Screener is right in any state. The patch of
        # a mail that is in other mailboxes as well sets one of them, and would put the mail back if
        # its owner has just removed it from there.
        rule = ClearingRule(
            applies=lambda email: may_be_waived(email, places, received_before=before),
            patch=lambda email: waive(email, places),
            is_safe=lambda patch: f"mailboxIds/{archive}" in patch,
        )
        return ClearingRun(self._account, rule, ids, cleared)

    async def _each_part(
        self, older: timedelta | None, show_progress: ShowProgress, *, is_dry: bool
    ) -> Cleared:
        run = await self.begin(older)
        while run.has_more:
            await (run.survey_part() if is_dry else run.clear_part())
            show_progress(run.done, run.total)
        return run.cleared


class ClearingRun:
    """Changes the mail of a list that a rule applies to, a part at a time.

    Any time may pass between two parts: each part reads its mail anew.

    Attributes:
        cleared: the mail that was changed so far, or would be.
        done: the number of mails that were looked at so far.
        total: the number of mails in the list.
    """

    def __init__(
        self,
        account: MailAccount,
        rule: ClearingRule,
        ids: Sequence[str],
        cleared: Cleared,
    ) -> None:
        self.cleared = cleared
        self.done = 0
        self.total = len(ids)
        self._account = account
        self._rule = rule
        self._ids = ids

    @property
    def has_more(self) -> bool:
        """True if there is mail that was not looked at."""
        return self.done < self.total

    async def survey_part(self) -> None:
        """Count the mail of the next part that would be changed."""
        part = await self._next_part()
        self.cleared.add(part.left.values())

    async def clear_part(self) -> None:
        """Change the mail of the next part."""
        part = await self._next_part()
        await part.change()

    async def _next_part(self) -> "_Part":
        ids = self._ids[self.done : self.done + _AT_ONCE]
        part = _Part(self._account, self._rule, self.cleared)
        await part.look(ids)
        self.done += len(ids)
        return part


class _Part:
    """Some of the mails. ``left`` are those that have still to be changed, by id."""

    def __init__(self, account: MailAccount, rule: ClearingRule, cleared: Cleared) -> None:
        self.left: dict[str, Email] = {}
        self._account = account
        self._rule = rule
        self._cleared = cleared
        self._state = ""

    async def look(self, ids: Sequence[str]) -> None:
        """Read mails, and choose those that the rule applies to."""
        self._state, emails = await self._account.read(ids)
        self.left = {email.id: email for email in self._chosen(emails)}

    async def change(self) -> None:
        """Change the mails that are left."""

        async def attempt(emails: dict[str, Email]) -> dict[str, Email]:
            await update_in_state(
                self._account,
                self._patches(emails.values()),
                self._state,
                as_read=dict(emails),
                replan=lambda now: self._patches(self._chosen(now)),
                note=self._note,
                note_mended=lambda _: None,
            )
            if self.left:
                await self.look(list(self.left))
            return self.left

        if left := await retry_while_changed(attempt, self.left, tries=_TRIES):
            safe = {
                email_id: patch
                for email_id, patch in self._patches(left.values()).items()
                if self._rule.is_safe(patch)
            }
            for asked, update in await self._account.update(safe):
                self._note(asked, update)
            self._cleared.failures |= dict.fromkeys(self.left, _RESTLESS)

    def _chosen(self, emails: Iterable[Email]) -> list[Email]:
        return [email for email in emails if self._rule.applies(email)]

    def _patches(self, emails: Iterable[Email]) -> dict[str, Patch]:
        return {email.id: self._rule.patch(email) for email in emails}

    def _note(self, asked: Mapping[str, Patch], update: SetResponse) -> None:
        """Note the result of an update."""
        for email_id in asked:
            email = self.left.pop(email_id)
            error = update.failed.get(email_id)
            if error is None:
                self._cleared.add([email])
            elif error.type != NOT_FOUND:
                self._cleared.failures[email_id] = str(error)
