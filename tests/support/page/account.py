"""An account behind the page that answers from memory, and notes the calls of most methods."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mailroom.web.model import (
    SPAM,
    Answer,
    Choice,
    Cleared,
    DecidedRow,
    Outcome,
    Reason,
    SubjectPage,
    SuggestedRow,
    Suggestions,
    Waiting,
    WaitingRow,
)
from mailroom.web.question import LinkState, Question

NOW = datetime(2026, 2, 9, 10, 0, tzinfo=UTC)
ANSWERS = (
    Answer("Imbox", adds_to_inbox=True),
    Answer("Feed"),
    Answer("Paper Trail"),
    Answer("Screened Out", denies=True),
    Answer(SPAM, denies=True),
)


def row(number: int, **fields: Any) -> WaitingRow:
    """Return a row of a stranger."""
    who = f"stranger{number}@loom.example"
    values = {
        "who": who,
        "reason": Reason.STRANGER,
        "name": f"Stranger {number}",
        "address": who,
        "count": 1,
        "since": NOW - timedelta(days=number),
        "newest": NOW - timedelta(days=number),
        "newest_id": f"m{number}",
        "subject_line": f"Hello {number}",
        "alias": "me@home.example",
        "data": {"who": who},
    }
    return WaitingRow(**{**values, **fields})


@dataclass
class ScriptedAccount:
    """An account behind the page.

    Attributes:
        name: the name of the account if there are several.
        shown: the list of waiting subjects.
        asked: the calls that were noted: names of methods with their arguments.
        error: the error of all methods but :meth:`changes`; None: no error.
        outcome: the outcome of a choice.
        link_state: the state of all questions of links.
        following: the number of streams that follow the account.
        left: set when the last stream has ended.
    """

    name: str = ""
    answers: Sequence[Answer] = ANSWERS
    shown: Waiting = field(default_factory=lambda: Waiting((row(1), row(2)), NOW))
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    error: Exception | None = None
    outcome: Callable[[Choice], Outcome] = lambda choice: Outcome(
        choice.who, choice.answer, mails=2, data={"who": choice.who, "category": choice.answer}
    )
    link_state: LinkState = LinkState.OPEN
    following: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def _ask(self, *asked: Any) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(asked)

    async def waiting(self) -> Waiting:
        if self.error is not None:
            raise self.error
        return self.shown

    async def decided(self, *, category: str = "", search: str = "") -> tuple[DecidedRow, ...]:
        self._ask("decided", category, search)
        who = "news@loom.example"
        data = {"who": [who], "account": self.name}
        return (DecidedRow((who,), "News", ("Feed",), "2026-02-01", "10:00", data),)

    async def subject(self, who: str) -> SubjectPage:
        self._ask("subject", who)
        return SubjectPage(who, "", (), (), (), is_decided=False)

    async def decide(self, choices: Sequence[Choice]) -> tuple[Outcome, ...]:
        self._ask("decide", *choices)
        return tuple(map(self.outcome, choices))

    async def question(self, choice: Choice) -> Question:
        if self.error is not None:
            raise self.error
        categories = ("Imbox",) if self.link_state is LinkState.DECIDED else ()
        return Question(choice.who, choice.answer, self.link_state, "Ann", "Hello", categories)

    async def answer_notice(self, choice: Choice) -> tuple[Question, Outcome | None]:
        question = await self.question(choice)
        if question.state is not LinkState.OPEN:
            return question, None
        self._ask("answer_notice", choice)
        return question, self.outcome(choice)

    async def undo(self, who: str, *, category: str = "") -> Outcome:
        self._ask("undo", who, category)
        return Outcome(who, category, mails=1, before=("Feed",), data={"who": who})

    async def let_in(self, mail_id: str) -> None:
        self._ask("let_in", mail_id)

    async def send_back(self, mail_id: str) -> None:
        self._ask("send_back", mail_id)

    async def survey(self, older: str) -> Cleared:
        if self.error is not None:
            raise self.error
        return Cleared(3, 2, "Archive")

    async def clear(self, older: str) -> Cleared:
        self._ask("clear", older)
        return Cleared(3, 2, "Archive")

    async def suggestions(self) -> Suggestions:
        if self.error is not None:
            raise self.error
        proposed = SuggestedRow("news@loom.example", "News", "Feed", "a list", 9, ("Hi",))
        return Suggestions((proposed,), 9, 9, is_complete=True)

    def show(self, shown: Waiting) -> None:
        """Change the list of waiting subjects."""
        self.shown = shown
        self._changed.set()
        self._changed = asyncio.Event()

    async def changes(self) -> AsyncGenerator[int]:
        self.following += 1
        try:
            while True:
                changed = self._changed
                yield len(self.shown.rows)
                await changed.wait()
        finally:
            self.following -= 1
            if not self.following:
                self.left.set()
