"""Commands about decisions: they show them, make them, and take them back."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mailroom.account import Account
from mailroom.admin.clear import clear as clear_waiting
from mailroom.admin.decide import RefusedError, answer_named, decide_all
from mailroom.admin.decide import decide as decide_on
from mailroom.admin.decided import UnknownCategoryError, find_decided
from mailroom.admin.importing import FileMistakesError, read_subjects
from mailroom.admin.suggest import SUGGESTED
from mailroom.admin.suggest import suggest as find_suggestions
from mailroom.admin.ticks import TickError, ask
from mailroom.admin.waiting import find_waiting
from mailroom.cli.app import Json, One, Who, app
from mailroom.command import Output, fail, on_accounts, remark, subject_or_exit
from mailroom.exits import Exit
from mailroom.input import Lines
from mailroom.report import printable
from mailroom.report.bars import progress_bars
from mailroom.screener.model.age import parse_age
from mailroom.screener.model.categories import Answer
from mailroom.screener.model.subject import Subject


@app.command()
def waiting(*, account: One = None, as_json: Json = False) -> None:
    """Show who waits for a decision, newest first."""

    async def work(opened: Account, output: Output) -> Exit:
        found = await find_waiting(opened)
        output.print(found.text())
        output.set_data(found.data())
        return Exit.OK

    on_accounts(account, work, as_json=as_json)


@app.command()
def decided(
    search: Annotated[
        str, typer.Argument(metavar="SEARCH", help="A part of a name, address or List-Id.")
    ] = "",
    *,
    category: Annotated[
        str | None, typer.Option("--category", metavar="NAME", help="Only this category.")
    ] = None,
    account: One = None,
    as_json: Json = False,
) -> None:
    """Show the senders that you have decided on, newest first."""

    async def work(opened: Account, output: Output) -> Exit:
        try:
            found = await find_decided(opened, category=category, search=search)
        except UnknownCategoryError as error:
            remark(str(error))
            return Exit.CONFIGURATION
        output.print(found.text())
        output.set_data(found.data())
        return Exit.OK

    on_accounts(account, work, as_json=as_json)


@app.command()
def decide(
    who: Who,
    category: Annotated[
        str, typer.Argument(metavar="CATEGORY", help="The name of a category, or: spam.")
    ],
    *,
    account: One = None,
    as_json: Json = False,
) -> None:
    """Decide on a sender, a whole domain or a mailing list."""
    subject = subject_or_exit(who)

    async def work(opened: Account, output: Output) -> Exit:
        answer = _answer_or_exit(category, opened)
        return await _decide_one(opened, output, subject, answer)

    on_accounts(account, work, as_json=as_json, one_only=True)


@app.command()
def undo(who: Who, *, account: One = None, as_json: Json = False) -> None:
    """Take back the decision on a sender, domain or mailing list."""
    subject = subject_or_exit(who)

    async def work(opened: Account, output: Output) -> Exit:
        return await _decide_one(opened, output, subject, None)

    on_accounts(account, work, as_json=as_json, one_only=True)


@app.command()
def clear(
    *,
    older: Annotated[
        str, typer.Option("--older", metavar="AGE", help="Only mail that is older, like 30d.")
    ] = "",
    account: One = None,
    apply: Annotated[bool, typer.Option("--apply", help="Move it.")] = False,
    as_json: Json = False,
) -> None:
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


@app.command("import")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A text with an address, a *@domain or a List-Id on each line, or the JSON of"
            " `hey screener history --all --json`.",
            exists=True,
            dir_okay=False,
        ),
    ],
    *,
    to: Annotated[str, typer.Option("--to", metavar="CATEGORY", help="The category, or: spam.")],
    account: One = None,
    as_json: Json = False,
) -> None:
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
                fail("no category denies, so there is none for denied senders", Exit.CONFIGURATION)
            answers |= dict.fromkeys(imported.denied, denying[0])
        return await _decide_all(opened, output, answers, {})

    on_accounts(account, work, as_json=as_json, one_only=True)


@app.command()
def suggest(
    *,
    account: One = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="The largest number of proposals.")
    ] = SUGGESTED,
    apply: Annotated[
        str | None,
        typer.Option("--apply", metavar="TICKS", help="Decide: all, 1,3,7-9, or senders."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Propose categories for the senders with the most mail. Read the mail of the last year."""

    async def work(opened: Account, output: Output) -> Exit:
        with progress_bars() as show_progress:
            found = await find_suggestions(opened, limit, show_progress)
        output.print(found.text())
        lines = Lines.of_stdin()
        is_asked = lines.is_terminal and sys.stdout.isatty() and not as_json and bool(found.made)
        try:
            if apply is None and is_asked:
                answers = await ask(lines, found.ticked, remark)
            else:
                answers = found.ticked(apply or "")
        except TickError as error:
            fail(printable(str(error)), Exit.CONFIGURATION)
        if answers:
            return await _decide_all(opened, output, answers, found.data())
        output.set_data(found.data())
        remark(found.advice())
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
