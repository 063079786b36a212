"""Patch the mails of a list by one rule, a part of the list at a time.

A run waives old mail, removes old mail with codes from the Inbox, archives digests, or moves a
single mail.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from mailroom.contacts.address import key_of
from mailroom.jmap.mail import Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import NOT_FOUND, SetResponse
from mailroom.screener.updating import update_and_mend
from mailroom.waiting.retrying import retry_while_changed

_AT_ONCE: Final = 500
"""Mails that are read and patched at a time."""
_TRIES: Final = 4
"""The number of updates of a part that are held to a state, while others change mail."""
_RESTLESS: Final = "mail is changed by somebody else all the time; try again"


@dataclass(slots=True)
class RunResult:
    """The mail that a run patched, or would patch.

    Attributes:
        archive: the path of the mailbox for waived mail; empty if the run waives no mail.
        mails: the number of mails.
        senders: the keys of their senders. The keys of several authors of one mail are one entry,
            with spaces between them.
        oldest: the time (UTCDate) at which the oldest of the mails came; empty without mails.
        failures: mail id -> the reason why the mail was not patched.
    """

    archive: str = ""
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
class MailRule:
    """A rule that says which mails are patched, and how.

    Attributes:
        applies: returns True if a mail is to be patched.
        patch: returns the patch of such a mail.
        is_safe: returns True if a patch is right in any state of the mail. Such a patch is sent
            without a state if others change mail all the time.
    """

    applies: Callable[[Email], bool]
    patch: Callable[[Email], Patch]
    is_safe: Callable[[Patch], bool]


class MailRun:
    """Patches the mails of a list by a rule, a part of the list at a time.

    Any time may pass between two parts: each part reads its mails anew.

    Args:
        account: the account's mail.
        rule: the rule.
        ids: the ids of the mails.
        result: the result to add to, without mails yet.

    Attributes:
        result: the mail that was patched so far, or would be.
        done: the number of mails that were looked at so far.
        total: the number of mails in the list.
    """

    def __init__(
        self, account: MailAccount, rule: MailRule, ids: Sequence[str], result: RunResult
    ) -> None:
        self.result = result
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
        """Count the mails of the next part that would be patched."""
        part = await self._next_part()
        self.result.add(part.left.values())

    async def patch_part(self) -> None:
        """Patch the mails of the next part that the rule applies to."""
        part = await self._next_part()
        await part.patch()

    async def _next_part(self) -> "_Part":
        ids = self._ids[self.done : self.done + _AT_ONCE]
        part = _Part(self._account, self._rule, self.result)
        await part.look(ids)
        self.done += len(ids)
        return part


class _Part:
    """A part of the list. ``left`` are the mails that are still to be patched, by id."""

    def __init__(self, account: MailAccount, rule: MailRule, result: RunResult) -> None:
        self.left: dict[str, Email] = {}
        self._account = account
        self._rule = rule
        self._result = result
        self._state = ""

    async def look(self, ids: Sequence[str]) -> None:
        """Read mails, and keep those that the rule applies to in ``left``."""
        self._state, emails = await self._account.read(ids)
        self.left = {email.id: email for email in self._chosen(emails)}

    async def patch(self) -> None:
        """Patch the mails in ``left``."""

        async def attempt(emails: dict[str, Email]) -> dict[str, Email]:
            await update_and_mend(
                self._account,
                self._patches(emails.values()),
                self._state,
                as_read=dict(emails),  # a copy, because _note removes mails from self.left
                replan=lambda mails: self._patches(self._chosen(mails)),
                note=self._note,
                note_mended=lambda _: None,
            )
            if self.left:
                await self.look(list(self.left))
            return self.left

        if left := await retry_while_changed(attempt, self.left, tries=_TRIES):
            # Others change mail all the time. Send the patches that are right in any state; the
            # other mails are failures.
            safe = {
                email_id: patch
                for email_id, patch in self._patches(left.values()).items()
                if self._rule.is_safe(patch)
            }
            for asked, update in await self._account.update(safe):
                self._note(asked, update)
            self._result.failures |= dict.fromkeys(self.left, _RESTLESS)

    def _chosen(self, emails: Iterable[Email]) -> list[Email]:
        return [email for email in emails if self._rule.applies(email)]

    def _patches(self, emails: Iterable[Email]) -> dict[str, Patch]:
        return {email.id: self._rule.patch(email) for email in emails}

    def _note(self, asked: Mapping[str, Patch], update: SetResponse) -> None:
        """Note the result of an update; a mail that was deleted meanwhile is no failure."""
        for email_id in asked:
            email = self.left.pop(email_id)
            error = update.failed.get(email_id)
            if error is None:
                self._result.add([email])
            elif error.type != NOT_FOUND:
                self._result.failures[email_id] = str(error)
