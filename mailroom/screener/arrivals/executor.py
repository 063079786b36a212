"""File new mail by its verdicts, unless somebody else has filed it in the meantime.

Every update is held to the Email state in which the mails were read. If the present state is
another, the mails are read again, and only mails that are still in the Inbox alone are filed. If
mail changes all the time (for example during an import), no state lasts long enough. After two
readings the mails are therefore filed in any state: the patch only adds the destination and removes
the Inbox, so other people's changes are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from mailroom.jmap.answers import Updated
from mailroom.jmap.errors import JmapError, is_read_only
from mailroom.jmap.mail import ARRIVAL, Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.screener.arrivals.verdict import Rules, Verdict, is_new, judge
from mailroom.screener.model.mend import mend

_READINGS: Final = 2
_GONE: Final = "notFound"


@dataclass(slots=True)
class ArrivalsReport:
    """The result of filing new mail.

    Attributes:
        filed: the verdicts that were carried out.
        failures: mail id -> why the mail is still in the Inbox; it is tried again.
        refused: mail id -> why the server refuses to move the mail for good.
        stuck: the same for mail that was refused before as well, and is not tried for an hour.
        updates: the server's answers.
    """

    filed: list[Verdict] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    stuck: dict[str, str] = field(default_factory=dict)
    updates: list[Updated] = field(default_factory=list)


class VerdictExecutor:
    """Files the new mail of one pass.

    Args:
        account: the account.
        rules: the rules to judge mail that has to be read again.
    """

    def __init__(self, account: MailAccount, rules: Rules) -> None:
        self._account = account
        self._rules = rules
        self._arrived = ArrivalsReport()

    async def run(self, verdicts: Iterable[Verdict], state: str) -> ArrivalsReport:
        """Carry out verdicts on mail that was read in ``state`` or later.

        Raises:
            HttpError: the server cannot be asked; mail that was not filed is in the Inbox.
            MethodError: the account may only be read.
        """
        remaining = _by_id(verdicts)
        try:
            for _ in range(_READINGS):
                await self._write_in_state(remaining, state)
                if not remaining:
                    return self._arrived
                state, remaining = await self._read_again(remaining)
            await self._write(remaining)
        except JmapError as error:
            if is_read_only(error):
                raise
            self._arrived.failures |= dict.fromkeys(remaining, str(error))
        return self._arrived

    async def _write(self, remaining: dict[str, Verdict]) -> None:
        """Patch the remaining mails in any state."""
        for asked, update in await self._account.update(_patches(remaining)):
            self._note(asked, update, remaining)

    async def _write_in_state(self, remaining: dict[str, Verdict], state: str) -> None:
        """Patch mails in this state; mails that were not patched stay in ``remaining``."""
        before = {email_id: each.email for email_id, each in remaining.items()}
        loose: dict[str, Patch] = {}
        async for written in self._account.update_in_state(_patches(remaining), state):
            self._note(written.patches, written.updated, remaining)
            if not written.was_held:
                loose |= written.patches
        if loose:
            await self._mend(before, loose)

    async def _mend(self, before: Mapping[str, Email], patches: Mapping[str, Patch]) -> None:
        """Put mail right that the server patched in another state, so that it may have moved."""
        _, emails = await self._account.read(list(patches), also=ARRIVAL)
        mended = mend(before, patches, emails, lambda seen: _patches(self._judged(seen)))
        self._arrived.updates += [update for _, update in await self._account.update(mended)]

    def _judged(self, emails: Iterable[Email]) -> dict[str, Verdict]:
        """Return the verdicts on the mails that are still new, by mail id."""
        new = (each for each in emails if is_new(each, self._rules.places))
        return _by_id(judge(each, self._rules) for each in new)

    def _note(
        self, asked: Mapping[str, Patch], update: Updated, remaining: dict[str, Verdict]
    ) -> None:
        self._arrived.updates.append(update)
        for email_id, patch in asked.items():
            verdict = remaining.pop(email_id)
            error = update.failed.get(email_id)
            if error is None:
                self._arrived.filed.append(replace(verdict, patch=patch))
            elif error.is_lasting:
                self._arrived.refused[email_id] = str(error)
            elif error.type != _GONE:
                self._arrived.failures[email_id] = str(error)

    async def _read_again(self, remaining: dict[str, Verdict]) -> tuple[str, dict[str, Verdict]]:
        """Read mails again; return the Email state, and verdicts on mails that are still new."""
        state, emails = await self._account.read(list(remaining), also=ARRIVAL)
        return state, self._judged(emails)


def _patches(verdicts: Mapping[str, Verdict]) -> dict[str, Patch]:
    return {email_id: each.patch or {} for email_id, each in verdicts.items()}


def _by_id(verdicts: Iterable[Verdict]) -> dict[str, Verdict]:
    """Return the verdicts that have a patch, by mail id."""
    return {each.email.id: each for each in verdicts if each.patch is not None}
