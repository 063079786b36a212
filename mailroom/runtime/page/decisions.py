"""Decisions of the page: labels on waiting mail, and the pass that acts on them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from mailroom.account import Account
from mailroom.admin import decide as admin
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Patch
from mailroom.runtime.page.connection import WRITE_TIMEOUT, Connection
from mailroom.runtime.page.rows import outcome_of
from mailroom.runtime.page.taps import Tap, find_waiting, tap_of
from mailroom.runtime.page.waiting import PageList
from mailroom.runtime.requested_passes import PassFailedError, RequestedPasses
from mailroom.screener.model.categories import Answer
from mailroom.screener.model.subject import Subject
from mailroom.screener.passes.progress import Report
from mailroom.web.model import Choice, Outcome, RefusedError, Scope

_PASS_TIMEOUT: Final = 10.0
"""Seconds to wait for the pass after a tap. The label stays on the mail after that, so a later pass
carries the decision out."""
_FEW: Final = 3
"""The largest number of subjects that are decided on one by one; more subjects share plans."""


class PageDecisions:
    """Decides for the page.

    Args:
        connection: the account.
        waiting: the list of waiting subjects.
    """

    def __init__(self, connection: Connection, waiting: PageList) -> None:
        self._connection = connection
        self._waiting = waiting

    async def decide(self, choices: Sequence[Choice]) -> tuple[Outcome, ...]:
        """Carry out choices; see :meth:`mailroom.web.protocol.ScreenedAccount.decide`."""
        waiting, taps = self._waiting.latest, dict[int, Tap]()
        by_name = dict[int, tuple[Subject, Answer]]()
        for number, choice in enumerate(choices):
            answer = self._answer(choice.answer)
            tap = None
            if waiting is not None:
                waiting_subject = find_waiting(choice, waiting.subjects)
                tap = tap_of(choice, answer, waiting_subject, waiting.places)
            if tap is not None and not tap.is_possible:
                by_name[number] = tap.subject, answer
            elif tap is not None:
                taps[number] = tap
            elif choice.scope is Scope.SUBJECT:
                by_name[number] = subject_named(choice.who), answer
            else:
                raise RefusedError(f"no mail of {choice.who} waits any more")
        async with self._connection.open(limit=WRITE_TIMEOUT) as (account, passes):
            outcomes = await self._tap(account, passes, taps) if taps else {}
            # If mail or a label was deleted meanwhile, the decision is made by the subject's name.
            untapped = taps.keys() - outcomes.keys()
            by_name |= {number: (taps[number].subject, taps[number].answer) for number in untapped}
            outcomes |= await self._decide_by_name(account, passes, by_name)
        return tuple(outcomes[number] for number in range(len(choices)))

    async def undo(self, who: str, category: str) -> Outcome:
        """Undo; see :meth:`mailroom.web.protocol.ScreenedAccount.undo`."""
        subject, answer = subject_named(who), self._answer(category) if category else None
        async with self._connection.open(limit=WRITE_TIMEOUT) as (account, passes):
            return await self._decide_one(account, passes, subject, answer)

    def _answer(self, name: str) -> Answer:
        try:
            return admin.answer_named(name, self._connection.settings.categories)
        except admin.RefusedError as error:
            raise RefusedError(str(error)) from error

    async def _tap(
        self, account: Account, passes: RequestedPasses, taps: Mapping[int, Tap]
    ) -> dict[int, Outcome]:
        """Put labels on mail, wait for the pass, and return the outcomes of the labels put on."""
        # Push may start a pass that acts on the labels before the requested pass, so the reports
        # of all passes are collected.
        with passes.collect() as reports:
            patches = dict[str, Patch]()
            for tap in taps.values():
                for email_id, patch in tap.patches.items():
                    patches[email_id] = {**patches.get(email_id, {}), **patch}
            failed = dict[str, SetError]()
            states = set[str]()
            for _, update in await (await account.mail()).update(patches):
                failed |= update.failed
                states.add(update.new_state)
            if failed:
                self._waiting.changed()  # somebody may have deleted mail, or a label
            labelled = [tap for tap in taps.values() if tap.email_id not in failed]
            if labelled:
                with suppress(PassFailedError, TimeoutError):
                    async with asyncio.timeout(_PASS_TIMEOUT):
                        state = states.pop() if len(states) == 1 else ""
                        await passes.run(state=state)
        outcomes = dict[int, Outcome]()
        for number, tap in taps.items():
            if tap.email_id in failed:
                continue
            outcome = admin.Outcome(tap.subject, tap.answer, (), account=account.settings.name)
            if not reports:
                outcomes[number] = outcome_of(outcome, is_pending=True)
            else:
                outcomes[number] = outcome_of(self._reported(outcome, tap.email_id, reports))
        return outcomes

    def _reported(
        self, outcome: admin.Outcome, email_id: str, reports: Sequence[Report]
    ) -> admin.Outcome:
        """Return the outcome of a tap, by the first report about its mail or its decision."""
        for report in reports:
            for email, reason in report.plan.unusable:
                if email.id == email_id:
                    return replace(outcome, failure=reason)
        subject = outcome.subject
        # A pass with another answer acted on a label that was there before the label of this tap.
        decided = (
            report
            for report in reports
            if (filing := admin.filing_of(subject, report)) is not None
            and filing.decision.answer == outcome.answer
        )
        report = next(decided, reports[-1])
        # The pass read the address book before it wrote, so these are the decisions before the tap.
        before = report.plan.decisions.standing.categories_without_stand_in(subject.key)
        names = tuple(category.name for category in before)
        return admin.with_report(replace(outcome, before=names), report)

    async def _decide_by_name(
        self,
        account: Account,
        passes: RequestedPasses,
        wanted: Mapping[int, tuple[Subject, Answer]],
    ) -> dict[int, Outcome]:
        """Decide on subjects by their names, with or without waiting mail."""
        if len(wanted) <= _FEW:
            return {
                number: await self._decide_one(account, passes, subject, answer)
                for number, (subject, answer) in wanted.items()
            }
        answers = dict(wanted.values())
        outcomes = await admin.decide_all(account, answers, lambda *_: None, passes)
        by_subject = {outcome.subject: outcome_of(outcome) for outcome in outcomes}
        return {number: by_subject[subject] for number, (subject, _) in wanted.items()}

    async def _decide_one(
        self, account: Account, passes: RequestedPasses, subject: Subject, answer: Answer
    ) -> Outcome:
        try:
            return outcome_of(await admin.decide(account, subject, answer, passes))
        except admin.RefusedError as error:
            name = self._connection.settings.name
            return outcome_of(admin.Outcome(subject, answer, (), failure=str(error), account=name))


def subject_named(who: str) -> Subject:
    """Return the subject that a person names.

    Raises:
        RefusedError: the text names no subject.
    """
    try:
        return Subject.parse(who)
    except ValueError as error:
        raise RefusedError(str(error)) from error
