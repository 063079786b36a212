"""The account as the page sees it."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from mailroom.account import Account
from mailroom.admin.answers import answers_of
from mailroom.admin.clear import clear
from mailroom.admin.decided import UnknownCategoryError, find_decided
from mailroom.admin.explain import explain
from mailroom.jmap.mail import MESSAGE_ID
from mailroom.runtime.page.connection import WRITE_TIMEOUT, Connection
from mailroom.runtime.page.decisions import PageDecisions, subject_named
from mailroom.runtime.page.questions import question_of
from mailroom.runtime.page.rows import decided_row, mail_lines
from mailroom.runtime.page.suggestions import PageSuggestions
from mailroom.runtime.page.waiting import PageList
from mailroom.runtime.requested_passes import RequestedPasses
from mailroom.screener.model.age import parse_age
from mailroom.screener.model.let_in import let_in, send_back
from mailroom.screener.passes.single_mail import MailNotMovedError, MoveOf, move_mail
from mailroom.settings.model import Settings
from mailroom.web.model import (
    AccountUnavailableError,
    Answer,
    Choice,
    Cleared,
    DecidedRow,
    Outcome,
    RefusedError,
    SubjectPage,
    Suggestions,
    Waiting,
)
from mailroom.web.question import LinkState, Question

_MAILS_SHOWN = 50
"""The largest number of mails on the page of a subject."""


class PageAccount:
    """An account as the page sees it; see :class:`mailroom.web.protocol.ScreenedAccount`.

    Args:
        settings: the account's settings.
    """

    def __init__(self, settings: Settings) -> None:
        self.name = settings.name
        self._connection = Connection(settings)
        self._waiting = PageList(self._connection)
        self._decisions = PageDecisions(self._connection, self._waiting)
        self._suggestions = PageSuggestions()
        self._answering = asyncio.Lock()

    @property
    def answers(self) -> Sequence[Answer]:
        """The categories in the order of the configuration, then spam."""
        # The settings may be read again while the page runs.
        return answers_of(self._connection.settings.categories)

    @contextmanager
    def serve(self, account: Account, passes: RequestedPasses) -> Iterator[None]:
        """Use an open account as long as the block runs."""
        passes.listen(self._waiting.pass_ended)
        try:
            with self._connection.serve(account, passes):
                yield
        finally:
            self._suggestions.stop()
            self._waiting.changed()

    async def waiting(self) -> Waiting:
        """Return the waiting subjects; the account is read only if it changed."""
        return await self._waiting.read()

    def changes(self) -> AsyncGenerator[int]:
        """Yield the number of waiting subjects now, and after each change."""
        return self._waiting.changes()

    async def decided(self, *, category: str = "", search: str = "") -> tuple[DecidedRow, ...]:
        """Return the decisions that match, the newest first."""
        async with self._connection.open() as (account, _):
            try:
                decided = await find_decided(account, category=category or None, search=search)
            except UnknownCategoryError as error:
                raise RefusedError(str(error)) from error
        return tuple(map(decided_row, decided.subjects))

    async def subject(self, who: str) -> SubjectPage:
        """Return the contacts, decisions and mail of a subject."""
        settings, subject = self._connection.settings, subject_named(who)
        async with self._connection.open() as (account, _):
            explanation = await explain(account, subject)
            newest = explanation.mail_ids[:_MAILS_SHOWN]
            mail = await account.mail()
            _, emails = await mail.read(newest, also=("subject", *MESSAGE_ID))
        directory = explanation.directory
        screener = directory.find(settings.screener.layout.screener)
        return SubjectPage(
            who=str(subject),
            name=next((contact.card.names.full for contact in explanation.contacts), ""),
            categories=explanation.categories,
            explanation=tuple(explanation.terms()),
            mails=mail_lines(emails, directory, screener, settings.web.mail_url),
            is_decided=explanation.is_decided,
        )

    async def decide(self, choices: Sequence[Choice]) -> tuple[Outcome, ...]:
        """Put the labels of all choices on mail, wait for the pass, and return the outcomes."""
        with self._outdate_list_if_unavailable():
            outcomes = await self._decisions.decide(choices)
        self._suggestions.forget({outcome.who for outcome in outcomes if not outcome.failure})
        return outcomes

    async def question(self, choice: Choice) -> Question:
        """Return the question of a link of a notice, with the present state of the link."""
        subject = subject_named(choice.who)
        async with self._connection.open() as (account, _):
            explanation = await explain(account, subject)
            mail = await account.mail()
            _, emails = await mail.read([choice.mail_id], also=("subject",))
        layout = self._connection.settings.screener.layout
        screener = explanation.directory.find(layout.screener)
        return question_of(choice, explanation.categories, emails, screener)

    async def answer_notice(self, choice: Choice) -> tuple[Question, Outcome | None]:
        """Decide as a button of a notice, if its question is open."""
        # A person may press two buttons, or an app may send a request again.
        async with self._answering:
            question = await self.question(choice)
            if question.state is not LinkState.OPEN:
                return question, None
            await self._waiting.read()
            (outcome,) = await self.decide([replace(choice, is_by_notice=True)])
            return question, outcome

    async def undo(self, who: str, *, category: str = "") -> Outcome:
        """Undo the decision on a subject, or restore the category that the subject had before."""
        with self._outdate_list_if_unavailable():
            return await self._decisions.undo(who, category)

    @contextmanager
    def _outdate_list_if_unavailable(self) -> Iterator[None]:
        """Mark the list as old if the account is unavailable: the next list shows the problem."""
        try:
            yield
        except AccountUnavailableError:
            self._waiting.changed()
            raise

    async def let_in(self, mail_id: str) -> None:
        """Move one waiting mail to the Inbox, and decide nothing."""
        await self._move(mail_id, let_in)

    async def send_back(self, mail_id: str) -> None:
        """Undo :meth:`let_in`: the mail waits in the Screener again."""
        await self._move(mail_id, send_back)

    async def _move(self, mail_id: str, move_of: MoveOf) -> None:
        settings = self._connection.settings
        categories, layout = settings.categories, settings.screener.layout
        async with self._connection.open() as (account, passes), passes.turn:
            try:
                await move_mail(await account.mail(), mail_id, move_of, categories, layout)
            except MailNotMovedError as error:
                raise RefusedError(self._connection.hide(error)) from error
            finally:
                self._waiting.changed()

    async def survey(self, older: str) -> Cleared:
        """Count the mail that :meth:`clear` would move."""
        return await self._clear(older, apply=False)

    async def clear(self, older: str) -> Cleared:
        """Archive the mail that has waited longer than an age (``30d``; empty: any age)."""
        try:
            return await self._clear(older, apply=True)
        finally:
            self._waiting.changed()

    async def _clear(self, older: str, *, apply: bool) -> Cleared:
        try:
            age = parse_age(older) if older else None
        except ValueError as error:
            raise RefusedError(f"the age {error}") from error
        async with self._connection.open(limit=WRITE_TIMEOUT) as (account, passes), passes.turn:
            clearance = await clear(account, older, age, lambda *_: None, apply=apply)
        cleared = clearance.cleared
        return Cleared(cleared.mails, len(cleared.senders), cleared.archive)

    async def suggestions(self) -> Suggestions:
        """Return the proposals, or start to read the mail for them and return the progress."""
        async with self._connection.open() as (account, _):
            return self._suggestions.start_or_show(account)
