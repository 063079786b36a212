"""An account behind the page with mail of people, shops and lists, whose lists follow decisions.

Tests of the page's look need many kinds of rows at once, and no mail server.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mailroom.web.model import (
    SPAM,
    Answer,
    Choice,
    Cleared,
    DecidedRow,
    MailLine,
    Outcome,
    Reason,
    RefusedError,
    Scope,
    SubjectPage,
    SuggestedRow,
    Suggestions,
    Waiting,
    WaitingRow,
)
from mailroom.web.question import LinkState, Question

ANSWERS: Final = (
    Answer("Imbox", adds_to_inbox=True),
    Answer("Feed"),
    Answer("Paper Trail"),
    Answer("Jail", denies=True),
    Answer("Person", adds_to_inbox=True),
    Answer("Billboard"),
    Answer("Truck"),
    Answer(SPAM, denies=True),
)
_NOW: Final = datetime.now(UTC)


def arrived(hours: float, who: str, name: str, subject_line: str, **fields: Any) -> WaitingRow:
    """Return a row of a subject whose newest mail came some hours ago."""
    newest = _NOW - timedelta(hours=hours)
    domain = who.partition("@")[2]
    values: dict[str, Any] = {
        "reason": Reason.STRANGER,
        "address": who,
        "count": 1,
        "since": newest,
        "newest_id": f"m{hours}",
        "alias": "anna@home.example",
        "scopes": {Scope.DOMAIN: f"*@{domain}"} if domain else {},
    }
    values |= fields
    return WaitingRow(who=who, name=name, subject_line=subject_line, newest=newest, **values)


def _days(days: float) -> datetime:
    return _NOW - timedelta(days=days)


ROWS: Final = (
    arrived(0.4, "priya@ramanarchitects.example", "Priya Raman", "Plans for the garden room"),
    arrived(
        2,
        "hello@dailyloom.example",
        "The Daily Loom",
        "Five looms you will love",
        count=3,
        since=_days(9),
        alias="news@home.example",
    ),
    arrived(
        5,
        "<weavers.lists.example>",
        "Weavers of the North",
        "Re: natural indigo, third vat",
        reason=Reason.LIST,
        address="weavers@lists.example",
        count=12,
        since=_days(6),
        scopes={},
    ),
    arrived(
        27,
        "security@kreditbank.example",
        "Kreditbank Security",
        "Your account has been limited",
        reason=Reason.FORGED,
        scopes={},
    ),
    arrived(
        31,
        "booking@nighttrain.example",
        "Night Train",
        "Your tickets: Zürich to Vienna, coach 263",
        alias="travel@home.example",
    ),
    arrived(52, "zoe@müller.example", "Zoë Müller", "Lunch on Thursday?", scopes={}),
    arrived(
        80,
        "orders@paperhouse.example",
        "",
        "Your order 20814 has been sent",
        count=2,
        since=_days(8),
        alias="shop@home.example",
    ),
    arrived(
        190,
        "yumi@tanaka.example",
        "田中 由美",
        "展覧会のご案内",
        scopes={Scope.LIST: "<friends.tanaka.example>", Scope.DOMAIN: "*@tanaka.example"},
    ),
)
_DECIDED: Final = (
    DecidedRow(("jonas@lindqvist.example",), "Jonas Lindqvist", ("Imbox",), "2026-02-08", "08:14"),
    DecidedRow(("<dev.lists.example>",), "Developers", ("Feed",), "2026-02-08", "08:13"),
    DecidedRow(("*@tollhouse.example",), "Tollhouse", ("Paper Trail",), "2026-02-07", "19:40"),
    DecidedRow(("win@prizes.example",), "", ("Jail",), "2026-02-05", "07:58"),
    DecidedRow(
        ("mara@okafor.example", "mara.okafor@work.example"), "Mara Okafor", ("Imbox",), "", ""
    ),
)
_SUGGESTED: Final = (
    SuggestedRow(
        "hello@dailyloom.example",
        "The Daily Loom",
        "Feed",
        "newsletter: it names a way to unsubscribe",
        52,
        ("Five looms you will love", "The week in wool"),
    ),
    SuggestedRow(
        "jonas@lindqvist.example",
        "Jonas Lindqvist",
        "Imbox",
        "person: you answered 14 times",
        41,
        ("Re: the boat", "Photos"),
    ),
    SuggestedRow(
        "orders@paperhouse.example", "", "Paper Trail", "receipts: orders", 12, ("Your order",)
    ),
    SuggestedRow("office@school.example", "School", "", "no suggestion", 9, ()),
)


class ShowcaseAccount:
    """An account whose decisions change its lists.

    Args:
        rows: the waiting subjects, the one with the newest mail first.
        decided: the decisions, the newest first.
        suggestions: the proposals.
        problem: the reason why the list is old.

    Attributes:
        name: the name of the account if there are several.
        answers: all answers.
        suggested: the proposals.
        problem: the reason why the list is old; empty if it is up to date.
    """

    def __init__(
        self,
        rows: Sequence[WaitingRow] = ROWS,
        decided: Sequence[DecidedRow] = _DECIDED,
        suggestions: Suggestions | None = None,
        *,
        problem: str = "",
    ) -> None:
        self.name = ""
        self.answers: Sequence[Answer] = ANSWERS
        self.suggested = suggestions or Suggestions(_SUGGESTED, 2310, 2310, is_complete=True)
        self.problem = problem
        self._all = tuple(rows)
        self._waits = {row.newest_id for row in rows}
        self._decided = list(decided)
        self._changed = asyncio.Event()

    async def waiting(self) -> Waiting:
        rows = tuple(row for row in self._all if row.newest_id in self._waits)
        return Waiting(rows, _days(0.02), self.problem)

    async def decided(self, *, category: str = "", search: str = "") -> tuple[DecidedRow, ...]:
        return tuple(
            row
            for row in self._decided
            if (not category or category in row.categories)
            and search.casefold() in " ".join((row.name, *row.who)).casefold()
        )

    async def subject(self, who: str) -> SubjectPage:
        row = next((row for row in self._all if row.who == who), None)
        decision = next((row for row in self._decided if who in row.who), None)
        name = row.name if row else decision.name if decision else ""
        categories = decision.categories if decision else ()
        mailbox = categories[0] if categories else "Screener"
        explanation = [("contact", f"{name or who}, made by Mailroom"), ("addresses", who)]
        explanation += [("decided", f"{name} on 2026-02-08 at 08:14") for name in categories]
        explanation += [("mail", f"2 in {mailbox}"), ("new mail", f"would go to {mailbox}")]
        line = row.subject_line if row else "Re: the boat"
        mails = tuple(
            MailLine(f"{who}-{days}", text, _days(days), (mailbox,), waits=not categories)
            for days, text in ((1, line), (9, ""))
        )
        return SubjectPage(
            who, name, categories, tuple(explanation), mails, is_decided=bool(decision)
        )

    async def decide(self, choices: Sequence[Choice]) -> tuple[Outcome, ...]:
        outcomes = tuple(map(self._decide, choices))
        self._announce()
        return outcomes

    def _decide(self, choice: Choice) -> Outcome:
        rows = [row for row in self._all if row.who == choice.who and row.newest_id in self._waits]
        row = rows[0] if rows else None
        who = row.scopes.get(choice.scope, choice.who) if row else choice.who
        if not choice.who.strip("<>"):
            return Outcome(who, "", failure="the mail names no sender")
        before = next((row.categories for row in self._decided if who in row.who), ())
        self._decided = [row for row in self._decided if who not in row.who]
        if choice.answer != SPAM:
            name = row.name if row else ""
            today = f"{_NOW:%Y-%m-%d}"
            self._decided.insert(0, DecidedRow((who,), name, (choice.answer,), today, "09:41"))
        self._waits -= {row.newest_id for row in rows}
        return Outcome(who, choice.answer, mails=sum(row.count for row in rows), before=before)

    async def question(self, choice: Choice) -> Question:
        waits = choice.mail_id in self._waits
        return Question(choice.who, choice.answer, LinkState.OPEN if waits else LinkState.GONE)

    async def answer_notice(self, choice: Choice) -> tuple[Question, Outcome | None]:
        question = await self.question(choice)
        if question.state is not LinkState.OPEN:
            return question, None
        (outcome,) = await self.decide([choice])
        return question, outcome

    async def undo(self, who: str, *, category: str = "") -> Outcome:
        before = next((row.categories for row in self._decided if who in row.who), ())
        self._decided = [row for row in self._decided if who not in row.who]
        if category:
            self._decided.insert(0, DecidedRow((who,), "", (category,), "", ""))
        else:
            back = (row for row in self._all if who in {row.who, *row.scopes.values()})
            self._waits |= {row.newest_id for row in back}
        self._announce()
        return Outcome(who, category, mails=1, before=before)

    async def let_in(self, mail_id: str) -> None:
        if mail_id not in self._waits:
            raise RefusedError("the mail does not wait any more")
        self._waits.discard(mail_id)
        self._announce()

    async def send_back(self, mail_id: str) -> None:
        self._waits.add(mail_id)
        self._announce()

    async def survey(self, older: str) -> Cleared:
        rows = self._older(older)
        return Cleared(sum(row.count for row in rows), len(rows), "Archive")

    async def clear(self, older: str) -> Cleared:
        cleared = await self.survey(older)
        self._waits -= {row.newest_id for row in self._older(older)}
        self._announce()
        return cleared

    def _older(self, older: str) -> list[WaitingRow]:
        since = _days(int(older.rstrip("d") or 0))
        return [row for row in self._all if row.newest_id in self._waits and row.since < since]

    async def suggestions(self) -> Suggestions:
        return self.suggested

    def receive(self, row: WaitingRow) -> None:
        """Let the mail of a stranger arrive, as the newest."""
        self._all = (replace(row, newest=datetime.now(UTC)), *self._all)
        self._waits.add(row.newest_id)
        self._announce()

    async def changes(self) -> AsyncGenerator[int]:
        while True:
            changed = self._changed
            yield len(self._waits)
            await changed.wait()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
