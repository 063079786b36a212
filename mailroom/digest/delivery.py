"""Puts a digest into the Inbox, once, and the digests before it into the archive.

The account is the only memory: digests are found by their keyword, and the digest of a day by its
Message-ID. No stranger can set a keyword by mail.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mailroom.jmap.email_methods import get_email_state
from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import MESSAGE_ID, Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import STATE_MISMATCH
from mailroom.screener.model.keywords import DIGEST, SCREENED, SEEN
from mailroom.screener.model.patches import patch_mailboxes
from mailroom.screener.model.places import Places
from mailroom.screener.passes.mail_run import MailRule, MailRun, RunResult
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 4
"""The number of imports that are held to a state, while others change mail."""


@dataclass(frozen=True, slots=True)
class DigestMail:
    """A digest as a mail.

    Attributes:
        message: the mail in the format of RFC 5322.
        message_id: its Message-ID, without angle brackets: the same for all digests of a day.
        due: the moment at which it was due, with a time zone.
    """

    message: bytes
    message_id: str
    due: datetime


class DigestMails:
    """The digests in one account.

    Args:
        account: the account's mail.
        places: the ids of the mailboxes.
    """

    def __init__(self, account: MailAccount, places: Places) -> None:
        self._account = account
        self._places = places

    async def find(self) -> tuple[Email, ...]:
        """Return all digests, wherever their owner has put them, oldest first.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        _, emails = await self._account.find([{"hasKeyword": DIGEST}], also=MESSAGE_ID)
        return emails

    async def deliver(self, digest: DigestMail) -> None:
        """Put a digest into the Inbox, unless the digest of that day was there before.

        May be repeated, also by several instances at once: one digest is left.

        Raises:
            HttpError, JmapError: the server cannot be asked, or did not take the digest.
        """

        async def attempt(left: tuple[DigestMail, ...]) -> tuple[DigestMail, ...]:
            return left if await self._import(digest, in_state=True) else ()

        work: tuple[DigestMail, ...] = (digest,)
        if await retry_while_changed(attempt, work, tries=_TRIES):
            await self._import(digest, in_state=False)

    async def _import(self, digest: DigestMail, *, in_state: bool) -> bool:
        """Import a digest unless it is there; return True if it must be tried again.

        It must be tried again if the import was held to a state and others changed mail meanwhile.
        """
        (state,) = await self._account.client.perform(get_email_state(self._account.id))
        if _of_day(await self.find(), digest.message_id):
            return False
        try:
            await self._account.import_mail(
                digest.message,
                mailbox_ids=[self._places.inbox],
                keywords=[DIGEST, SCREENED],
                received_at=digest.due,
                if_in_state=state if in_state and state else None,
            )
        except MethodError as error:
            if error.type != STATE_MISMATCH:
                raise
            return True
        return False

    async def tidy_up(self, message_id: str) -> None:
        """Put second copies of a day's digest into the Trash, and archive the digests before it.

        On servers that ignore ``ifInState`` two instances may import a digest at the same moment.
        Each instance leaves the same copy: the one with the smallest id.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        digests, places = await self.find(), self._places
        copies = _of_day(digests, message_id)
        untrashed = sorted(email.id for email in copies if not email.mailbox_ids & places.trash)
        trash = min(places.trash or places.archive, default=places.inbox)
        unwanted = {
            email.id: patch_mailboxes(email.mailbox_ids, frozenset(), fallback=trash) or {}
            for email in copies
            if email.id in untrashed[1:]
        }
        await self._account.update(unwanted)
        # Without an archive, the earlier digests stay in the Inbox and are only marked as read.
        archive = min(places.archive, default=places.inbox)

        def applies(email: Email) -> bool:
            may_change = bool(places.archive) or SEEN not in email.keywords
            return places.inbox in email.mailbox_ids and may_change

        def archiving(email: Email) -> Patch:
            after = email.mailbox_ids - {places.inbox}
            moved = patch_mailboxes(email.mailbox_ids, after, fallback=archive) or {}
            return {**moved, f"keywords/{SEEN}": True}

        # A digest that its owner moves at this moment is left where its owner puts it, so the patch
        # is never sent without a state.
        rule = MailRule(applies, archiving, is_safe=lambda _: False)
        earlier = [email.id for email in digests if email not in copies]
        run = MailRun(self._account, rule, earlier, RunResult())
        while run.has_more:
            await run.patch_part()


def _of_day(digests: tuple[Email, ...], message_id: str) -> list[Email]:
    return [email for email in digests if email.message_id == message_id]
