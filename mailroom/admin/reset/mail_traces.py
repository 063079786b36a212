"""Mailroom's own labels and keywords on mail, and their removal.

Mail is read and changed a page at a time, because there may be very much of it. Changed mail is not
found again, so the next page to read is always the first one.
"""

from typing import Final

from mailroom.admin.reset.scope import Scope
from mailroom.admin.reset.traces import Outcome
from mailroom.jmap.mail import Filter, Patch
from mailroom.jmap.methods import NOT_FOUND
from mailroom.screener.model.keywords import (
    CODE,
    DECIDED_BY_BUTTON,
    DIGEST,
    FORGED,
    NOTICE,
    SCREENED,
    SPAM,
    WAIVED,
    removal_of,
)
from mailroom.screener.model.patches import remove_labels
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.search.filters import Mailboxes

_KEYWORDS: Final = (SCREENED, FORGED, SPAM, WAIVED, CODE, DIGEST, NOTICE, DECIDED_BY_BUTTON)
_REMOVING: Final = "Removing marks"
_MARKED_AGAIN: Final = "it was marked again; is Mailroom still running?"


class MailTraces:
    """The error and warning labels and Mailroom's keywords in one account.

    Args:
        scope: the account. The warning label counts even if the settings no longer use it.
        gathered: the account's mailboxes.
    """

    def __init__(self, scope: Scope, gathered: GatheredMail) -> None:
        warning = gathered.directory.find(scope.layout.warning_label)
        self._account = scope.mail
        self._show_progress = scope.show_progress
        self._inbox = gathered.places.inbox
        self._labels = (
            {gathered.places.error} if warning is None else {gathered.places.error, warning}
        )

    async def count(self) -> int:
        """Return the number of mails that have one of these labels or keywords.

        Raises:
            HttpError, JmapError: the server cannot be asked.
        """
        _, emails = await self._account.find(self._filters)
        return len(emails)

    async def remove(self, outcome: Outcome) -> None:
        """Remove the labels and keywords, unless the server refuses. Raises as :meth:`count`."""
        tried, refused, total = set[str](), dict[str, str](), await self.count()
        while True:
            # Patches for the mail on the first page of each search.
            queries = [self._account.first_page(email_filter) for email_filter in self._filters]
            patches = dict[str, Patch]()
            for page in await self._account.client.perform_all(queries):
                for email in page.emails:
                    without_labels = remove_labels(email, self._labels, fallback=self._inbox) or {}
                    without_keywords = removal_of(email.keywords, *_KEYWORDS)
                    if patch := {**without_labels, **without_keywords}:
                        patches[email.id] = patch
            untried = {mail_id: patch for mail_id, patch in patches.items() if mail_id not in tried}
            if not untried:
                break
            for _, update in await self._account.update(untried):
                refused |= {
                    mail_id: str(error)
                    for mail_id, error in update.failed.items()
                    if error.type != NOT_FOUND
                }
            tried |= untried.keys()
            self._show_progress(_REMOVING, min(len(tried), total), total)
        failures = dict.fromkeys(patches, _MARKED_AGAIN) | refused
        outcome.mail_traces += len(tried - failures.keys())
        outcome.failures |= {f"mail {mail_id}": reason for mail_id, reason in failures.items()}

    @property
    def _filters(self) -> list[Filter]:
        """Return filters that together find the mail; some servers refuse labels inside an OR."""
        labels = Mailboxes(frozenset(self._labels), frozenset(self._account.mailbox_sizes))
        keywords: list[Filter] = [{"hasKeyword": keyword} for keyword in _KEYWORDS]
        return [*labels.filters(self._account.habits), *keywords]
