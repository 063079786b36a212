"""File new mail by its verdicts, unless somebody else has filed it in the meantime.

Every update is held to the Email state in which the mails were read. If the state has changed, the
mails are read again, and only mails that are still new are filed. If mail changes all the time (for
example during an import), no state lasts long enough. So after two readings the mails are filed in
any state. Other people's changes are kept even then, because the patch only adds the destination
and removes the Inbox or the Screener.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mailroom.jmap.errors import JmapError, is_read_only
from mailroom.jmap.mail import ARRIVAL, Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.methods import NOT_FOUND, SetResponse
from mailroom.screener.arrivals.verdict import Facts, Verdict, is_new, judge
from mailroom.screener.updating import update_and_mend
from mailroom.waiting.retrying import retry_while_changed

_TRIES: Final = 2
"""The largest number of updates that are held to a state. The next update is sent without one."""


@dataclass(slots=True)
class ArrivalsReport:
    """The result of filing new mail.

    Attributes:
        filed: the verdicts that were carried out.
        failures: mail id -> why the mail is not filed yet; it is tried again.
        lasting_refusals: mail id -> why the server refuses for good to change the mail.
        stuck: mail id -> the same, for mail that was refused before as well and is not tried for an
            hour.
        updates: the server's responses to the updates.
    """

    filed: list[Verdict] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    lasting_refusals: dict[str, str] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    updates: list[SetResponse] = field(default_factory=list)


class VerdictExecutor:
    """Files the new mail of one pass.

    Args:
        account: the account.
        facts: the facts by which to judge mail that has to be read again.
    """

    def __init__(self, account: MailAccount, facts: Facts) -> None:
        self._account = account
        self._facts = facts
        self._arrived = ArrivalsReport()
        self._left: dict[str, Verdict] = {}

    async def run(self, verdicts: Iterable[Verdict], state: str) -> ArrivalsReport:
        """Carry out verdicts on mail that was read in ``state`` or later.

        Raises:
            HttpError: the server cannot be asked; mail that was not filed is where it was.
            MethodError: the account may only be read.
        """
        self._left = _by_id(verdicts)

        async def attempt(verdicts: dict[str, Verdict]) -> dict[str, Verdict]:
            nonlocal state
            await update_and_mend(
                self._account,
                _patches(verdicts),
                state,
                as_read={email_id: verdict.email for email_id, verdict in verdicts.items()},
                replan=lambda emails: _patches(self._judged(emails)),
                note=self._note,
                note_mended=self._arrived.updates.append,
                also=ARRIVAL,
            )
            if self._left:
                state, emails = await self._account.read(list(self._left), also=ARRIVAL)
                self._left = self._judged(emails)
            return self._left

        try:
            if left := await retry_while_changed(attempt, self._left, tries=_TRIES):
                for asked, update in await self._account.update(_patches(left)):
                    self._note(asked, update)
        except JmapError as error:
            if is_read_only(error):
                raise
            self._arrived.failures |= dict.fromkeys(self._left, str(error))
        return self._arrived

    def _judged(self, emails: Iterable[Email]) -> dict[str, Verdict]:
        """Return the verdicts on the mails that are still new, by mail id."""
        new = (email for email in emails if is_new(email, self._facts.places))
        return _by_id(judge(email, self._facts) for email in new)

    def _note(self, asked: Mapping[str, Patch], update: SetResponse) -> None:
        self._arrived.updates.append(update)
        for email_id, patch in asked.items():
            verdict = self._left.pop(email_id)
            error = update.failed.get(email_id)
            if error is None:
                self._arrived.filed.append(replace(verdict, patch=patch))
            elif error.is_lasting:
                self._arrived.lasting_refusals[email_id] = str(error)
            elif error.type != NOT_FOUND:
                self._arrived.failures[email_id] = str(error)


def _patches(verdicts: Mapping[str, Verdict]) -> dict[str, Patch]:
    return {email_id: verdict.patch or {} for email_id, verdict in verdicts.items()}


def _by_id(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """Return the verdicts that have a patch, by mail id."""
    return {verdict.email.id: verdict for verdict in verdicts if verdict.patch is not None}
