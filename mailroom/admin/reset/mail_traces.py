"""Mailroom's own labels and keywords on mail, and their removal.

The mail is read and changed a page at a time, because there may be very much of it. A mail without
them is not found again, so the next page is always the first one.
"""

from collections.abc import Iterable
from typing import Final

from mailroom.admin.reset.scope import Scope
from mailroom.admin.reset.traces import Outcome
from mailroom.jmap.mail import Email, Filter, Patch
from mailroom.screener.model.keywords import FORGED, SCREENED, without
from mailroom.screener.model.patches import remove_labels
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.search.filters import Mailboxes

_TAKING_OFF: Final = "Taking marks off"
_GONE: Final = "notFound"
_AGAIN: Final = "it was marked again; is Mailroom still running?"


class MailTraces:
    """The error and warning labels and Mailroom's keywords in one account.

    Args:
        scope: the account. The warning label counts even if the settings no longer use it.
        seen: the ids of the account's mailboxes.
    """

    def __init__(self, scope: Scope, seen: GatheredMail) -> None:
        warning = seen.directory.find(scope.layout.warning_label)
        self._account = scope.mail
        self._show_progress = scope.show_progress
        self._inbox = seen.places.inbox
        self._labels = {seen.places.error} if warning is None else {seen.places.error, warning}

    async def count(self) -> int:
        """Return the number of mails that have any of them.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        _, emails = await self._account.find(self._filters)
        return len(emails)

    async def remove(self, outcome: Outcome) -> None:
        """Remove the labels and keywords, unless the server refuses. Raises as :meth:`count`."""
        tried, refused, total = set[str](), dict[str, str](), await self.count()
        while True:
            found = self._patches(await self._some())
            untried = {each: patch for each, patch in found.items() if each not in tried}
            if not untried:
                break
            failed = await self._update(untried)
            tried |= untried.keys()
            refused |= failed
            self._show_progress(_TAKING_OFF, min(len(tried), total), total)
        still = dict.fromkeys(found, _AGAIN) | refused
        outcome.mail_traces += len(tried - still.keys())
        outcome.failures |= {f"mail {each}": why for each, why in still.items()}

    @property
    def _filters(self) -> list[Filter]:
        """Return filters that together find the mail; some servers refuse labels inside an OR."""
        labels = Mailboxes(frozenset(self._labels), frozenset(self._account.mailbox_sizes))
        keywords: list[Filter] = [{"hasKeyword": SCREENED}, {"hasKeyword": FORGED}]
        return [*labels.filters(self._account.habits), *keywords]

    async def _some(self) -> list[Email]:
        """Read the first page of each search."""
        queries = [self._account.first_page(each) for each in self._filters]
        pages = await self._account.client.perform_all(queries)
        return [email for page in pages for email in page.emails]

    async def _update(self, patches: dict[str, Patch]) -> dict[str, str]:
        """Patch mails; return mail id -> reason for the patches that the server refuses."""
        updates = [update for _, update in await self._account.update(patches)]
        failed = {email_id: error for each in updates for email_id, error in each.failed.items()}
        return {each: str(error) for each, error in failed.items() if error.type != _GONE}

    def _patches(self, emails: Iterable[Email]) -> dict[str, Patch]:
        patches = {email.id: self._patch(email) for email in emails}
        return {email_id: patch for email_id, patch in patches.items() if patch}

    def _patch(self, email: Email) -> Patch:
        moved = remove_labels(email, self._labels, fallback=self._inbox) or {}
        return {**moved, **without(email.keywords, SCREENED, FORGED)}
