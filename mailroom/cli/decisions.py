"""Commands about decisions: they show them, make them, and take them back."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailroom.account import Account
from mailroom.admin.clear import clear as clear_waiting
from mailroom.admin.decide import RefusedError, answer_named, decide_all
from mailroom.admin.decide import decide as decide_on
from mailroom.admin.decided import UnknownCategoryError, find_decided
from mailroom.admin.importing import FileMistakesError, read_subjects
from mailroom.admin.suggest import suggest as find_suggestions
from mailroom.admin.ticks import TickError, ask
from mailroom.admin.waiting import find_waiting
from mailroom.cli.on_accounts import Output, on_accounts, subject_or_exit
from mailroom.exits import Exit
from mailroom.report import printable
from mailroom.report.bars import progress_bars
from mailroom.screener.model.age import parse_age
from mailroom.screener.model.categories import Answer
from mailroom.screener.model.subject import Subject
from mailroom.terminal.input import Lines
from mailroom.terminal.output import fail, remark


def waiting(*, account: str | None, as_json: bool) -> None:
    """Show who waits for a decision, newest first."""

    async def work(opened: Account, output: Output) -> Exit:
        subjects = await find_waiting(opened)
        output.print(subjects.text())
        output.set_data(subjects.data())
        return Exit.OK

    on_accounts(account, work, as_json=as_json)


def decided(*, search: str, category: str | None, account: str | None, as_json: bool) -> None:
    """Show the senders that you have decided on, newest first."""

    async def work(opened: Account, output: Output) -> Exit:
        try:
            subjects = await find_decided(opened, category=category, search=search)
        except UnknownCategoryError as error:
            remark(str(error))
            return Exit.CONFIGURATION
        output.print(subjects.text())
        output.set_data(subjects.data())
        return Exit.OK

    on_accounts(account, work, as_json=as_json)


def decide(*, who: str, category: str, account: str | None, as_json: bool) -> None:
    """Decide on a sender, a whole domain or a mailing list."""
    subject = subject_or_exit(who)

    async def work(opened: Account, output: Output) -> Exit:
        answer = _answer_or_exit(category, opened)
        return await _decide_one(opened, output, subject, answer)

    on_accounts(account, work, as_json=as_json, one_only=True)


def undo(*, who: str, account: str | None, as_json: bool) -> None:
    """Take back the decision on a sender, domain or mailing list."""
    subject = subject_or_exit(who)

    async def work(opened: Account, output: Output) -> Exit:
        return await _decide_one(opened, output, subject, None)

    on_accounts(account, work, as_json=as_json, one_only=True)


def clear(*, older: str, account: str | None, apply: bool, as_json: bool) -> None:
    """Show (or move) waiting mail that can go to the archive. Decide nothing."""
    try:
        age = parse_age(older) if older else None
    except ValueError as error:
        fail(f"--older {error}", Exit.CONFIGURATION)

    async def work(opened: Account, output: Output) -> Exit:
        with progress_bars() as show_progress:
            clearance = await clear_waiting(opened, older, age, show_progress, apply=apply)
        output.print(clearance.text())
        output.set_data(clearance.data())
        if advice := clearance.advice():
            remark(advice)
        return Exit.FAILED if clearance.cleared.failures else Exit.OK

    on_accounts(account, work, as_json=as_json, one_only=apply)


def import_file(*, file: Path, to: str, account: str | None, as_json: bool) -> None:
    """Decide on everybody in a file."""
    try:
        imported = read_subjects(file.read_text(encoding="utf-8", errors="replace"))
    except FileMistakesError as error:
        fail("\n".join(map(printable, str(error).split("\n"))), Exit.CONFIGURATION)

    async def work(opened: Account, output: Output) -> Exit:
        answers: dict[Subject, Answer] = dict.fromkeys(
            imported.accepted, _answer_or_exit(to, opened)
        )
        if imported.denied:
            denying = [category for category in opened.settings.categories if category.denies]
            if not denying:
                fail("the file has denied senders, but no category denies", Exit.CONFIGURATION)
            answers |= dict.fromkeys(imported.denied, denying[0])
        return await _decide_all(opened, output, answers, {})

    on_accounts(account, work, as_json=as_json, one_only=True)


def suggest(*, account: str | None, limit: int, apply: str | None, as_json: bool) -> None:
    """Propose categories for the senders with the most mail. Read the mail of the last year."""

    async def work(opened: Account, output: Output) -> Exit:
        with progress_bars() as show_progress:
            suggestions = await find_suggestions(opened, limit, show_progress)
        output.print(suggestions.text())
        lines = Lines.of_stdin()
        is_asked = (
            lines.is_terminal and sys.stdout.isatty() and not as_json and bool(suggestions.made)
        )
        try:
            if apply is None and is_asked:
                answers = await ask(lines, suggestions.ticked, remark)
            else:
                answers = suggestions.ticked(apply or "")
        except TickError as error:
            fail(printable(str(error)), Exit.CONFIGURATION)
        if answers:
            return await _decide_all(opened, output, answers, suggestions.data())
        output.set_data(suggestions.data())
        remark(suggestions.advice())
        return Exit.OK

    on_accounts(account, work, as_json=as_json, one_only=apply is not None)


async def _decide_one(opened: Account, output: Output, subject: Subject, answer: Answer) -> Exit:
    try:
        outcome = await decide_on(opened, subject, answer)
    except RefusedError as error:
        fail(output.hide(printable(f"{subject}: {error}")), Exit.CONFIGURATION)
    output.print(outcome.text())
    output.set_data(outcome.data())
    return Exit.FAILED if outcome.failure else Exit.OK


async def _decide_all(
    opened: Account, output: Output, answers: Mapping[Subject, Answer], data: Mapping[str, Any]
) -> Exit:
    """Decide on many subjects, and print the outcomes; ``data`` is printed with their data."""
    with progress_bars() as show_progress:
        outcomes = await decide_all(opened, answers, show_progress)
    for outcome in outcomes:
        output.print(outcome.text())
    failed = sum(bool(outcome.failure) for outcome in outcomes)
    decisions = [outcome.data() for outcome in outcomes]
    output.set_data({**data, "decisions": decisions, "failed": failed})
    remark(f"{len(outcomes) - failed} decided, {failed} not.")
    return Exit.FAILED if failed else Exit.OK


def _answer_or_exit(category: str, opened: Account) -> Answer:
    try:
        return answer_named(category, opened.settings.categories)
    except RefusedError as error:
        fail(printable(str(error)), Exit.CONFIGURATION)
