"""The protocol of the account that the page shows.

The page reads and decides through this protocol alone.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from mailroom.web.model import (
    Answer,
    Choice,
    Cleared,
    DecidedRow,
    Outcome,
    SubjectPage,
    Suggestions,
    Waiting,
)
from mailroom.web.question import Question


class ScreenedAccount(Protocol):
    """An account as the page sees it.

    All methods raise :class:`AccountUnavailableError` if a server cannot be used, and
    :class:`RefusedError` if a person asks for something that is not allowed.
    """

    @property
    def name(self) -> str:
        """The name of the account if there are several; else empty."""

    @property
    def answers(self) -> Sequence[Answer]:
        """The categories in the order of the configuration, then spam."""

    async def waiting(self) -> Waiting:
        """Return the waiting subjects; the account is read only if it changed since the last call.

        If the account cannot be read, the last list is returned with the reason.
        """

    async def decided(self, *, category: str = "", search: str = "") -> tuple[DecidedRow, ...]:
        """Return the decisions that match, the newest first."""

    async def subject(self, who: str) -> SubjectPage:
        """Return the contacts, decisions and mail of a subject."""

    async def decide(self, choices: Sequence[Choice]) -> tuple[Outcome, ...]:
        """Put the labels of all choices on mail, wait for the pass, and return the outcomes.

        If no mail of a subject waits, the decision is made without a label, as ``mailroom decide``
        makes it. There is an outcome for each choice, in the same order.
        """

    async def question(self, choice: Choice) -> Question:
        """Return the question of a link of a notice, with the present state of the link."""

    async def answer_notice(self, choice: Choice) -> tuple[Question, Outcome | None]:
        """Decide as a button of a notice, if its question is open.

        Returns:
            The question as it was before, and the outcome; None if nothing was decided.
        """

    async def undo(self, who: str, *, category: str = "") -> Outcome:
        """Undo the decision on a subject, or restore the category that the subject had before.

        Args:
            who: the subject.
            category: the name of the category to restore; empty: the mail waits again.
        """

    async def let_in(self, mail_id: str) -> None:
        """Move one waiting mail to the Inbox, and decide nothing."""

    async def send_back(self, mail_id: str) -> None:
        """Undo :meth:`let_in`: the mail waits in the Screener again."""

    async def survey(self, older: str) -> Cleared:
        """Count the mail that :meth:`clear` would move."""

    async def clear(self, older: str) -> Cleared:
        """Archive the mail that has waited longer than an age (``30d``; empty: any age)."""

    async def suggestions(self) -> Suggestions:
        """Return the proposals, or start to read the mail for them and return the progress."""

    def changes(self) -> AsyncGenerator[int]:
        """Yield the number of waiting subjects now, and again after each change of the account."""
