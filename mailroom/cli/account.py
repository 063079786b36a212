"""Commands that run the service, and commands about the whole account."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Final

import typer

from mailroom import __version__
from mailroom.account import Account
from mailroom.admin.check import check as run_check
from mailroom.admin.check import verdict
from mailroom.admin.explain import explain as explain_subject
from mailroom.admin.probe import probe
from mailroom.admin.reset import Scope, survey, take_back
from mailroom.admin.setup import create, find_lacking, rules_text
from mailroom.cli.app import Json, One, Who, app
from mailroom.command import (
    Output,
    fail,
    log_as_set,
    on_accounts,
    remark,
    settings_or_exit,
    subject_or_exit,
)
from mailroom.exits import Exit
from mailroom.http.listening import PortUnavailableError
from mailroom.report import outcome_data, outcome_text, plan_data, plan_text, summary
from mailroom.report.bars import progress_bars
from mailroom.runtime.process import serve
from mailroom.settings import describe

_RULES: Final = (
    "Rules for your provider, in this order. They file mail of unknown senders to",
    "the Screener, and new mail of senders whom you have decided on to its place.",
)
_RULES_BESIDE_MAILROOM: Final = (
    "Mailroom does so itself; the rules are for the time when it is not running."
)


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """HEY's Screener for any JMAP mail account. Without a command, run the service."""
    if version:
        typer.echo(f"mailroom {__version__}")
    elif context.invoked_subcommand is None:
        run()


@app.command()
def run() -> None:
    """Run the service."""
    settings = settings_or_exit()
    log_as_set(settings, level=settings.log.level)
    try:
        code = asyncio.run(serve(settings))
    except PortUnavailableError as error:
        fail(str(error), Exit.CONFIGURATION)
    raise typer.Exit(code)


@app.command()
def check(*, account: One = None, as_json: Json = False) -> None:
    """Check settings, servers, mailboxes, groups and push. Change nothing."""

    async def work(opened: Account, output: Output) -> Exit:
        findings = []
        async for finding in run_check(opened):
            output.print(finding.text())
            if not finding.is_passing:
                findings.append(finding)
        code = verdict(findings)
        settings = {setting.variable: setting.value for setting in describe(opened.settings)}
        failed = [asdict(finding) for finding in findings]
        output.set_data({"settings": settings, "findings": failed, "exit_code": code})
        return code

    on_accounts(account, work, as_json=as_json)


@app.command()
def setup(
    *,
    account: One = None,
    apply: Annotated[bool, typer.Option("--apply", help="Create them.")] = False,
) -> None:
    """Show (or create) missing mailboxes and contact groups."""

    async def work(opened: Account, output: Output) -> Exit:
        lacking = await find_lacking(opened)
        if not lacking:
            output.print(["All mailboxes and contact groups are there."])
        elif apply:
            output.print(["Creating:", *(f"  {line}" for line in lacking.lines())])
            await create(opened, lacking)
            output.print(["Done."])
        else:
            output.print(["Missing (`mailroom setup --apply` creates them):"])
            output.print(f"  {line}" for line in lacking.lines())
        settings = opened.settings
        output.print(["", *_RULES])
        if settings.arrivals.enabled:
            output.print([_RULES_BESIDE_MAILROOM])
        output.print(["", *rules_text(settings.categories, settings.screener.layout)])
        return Exit.OK

    on_accounts(account, work)


@app.command()
def triage(
    *,
    account: One = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run one pass and exit."""

    async def work(opened: Account, output: Output) -> Exit:
        workflow = await opened.workflow()
        plan = await workflow.plan()
        output.print(plan_text(plan))
        if dry_run:
            output.set_data(plan_data(plan))
            remark("A dry run: nothing was changed.")
            return Exit.OK
        report = await workflow.apply(plan)
        output.print(outcome_text(report))
        output.set_data({**plan_data(plan), **outcome_data(report)})
        remark(summary(report))
        return Exit.OK if report.is_complete else Exit.FAILED

    on_accounts(account, work, as_json=as_json)


@app.command()
def explain(
    who: Who,
    *,
    account: One = None,
    as_json: Json = False,
) -> None:
    """Show a sender's contact and mail, and where new mail goes."""
    subject = subject_or_exit(who)

    async def work(opened: Account, output: Output) -> Exit:
        explanation = await explain_subject(opened, subject)
        output.print(explanation.text())
        output.set_data(explanation.data())
        return Exit.OK

    on_accounts(account, work, as_json=as_json)


@app.command()
def reset(
    *,
    account: One = None,
    apply: Annotated[bool, typer.Option("--apply", help="Undo it.")] = False,
    as_json: Json = False,
) -> None:
    """Show (or undo) everything that Mailroom did to mail and contacts."""

    async def work(opened: Account, output: Output) -> Exit:
        name = opened.settings.name
        with progress_bars() as show_progress:
            scope = await Scope.of(opened, show_progress)
            found = await survey(scope)
            output.print(found.text())
            if not apply:
                output.set_data(found.data())
                remark(found.advice(name))
                return Exit.OK
            outcome = await take_back(scope, found)
        output.print(outcome.text())
        output.set_data({**found.data(), **outcome.data()})
        remark(found.advice(name) if found.is_empty else outcome.summary(name))
        return Exit.OK if outcome.is_complete else Exit.FAILED

    on_accounts(account, work, as_json=as_json, one_only=apply)


@app.command()
def health() -> None:
    """Ask the service on this machine if it is well. Exit with 0 if it is, else with 1."""
    answer = asyncio.run(probe())
    typer.echo(answer.text)
    raise typer.Exit(Exit.OK if answer.is_well else Exit.FAILED)


@app.command()
def demo(
    *, once: Annotated[bool, typer.Option("--once", help="End after the script.")] = False
) -> None:
    """Show Mailroom at work on an account in memory. Needs no settings and no credentials."""
    from mailroom.demo import run_demo  # noqa: PLC0415 - no other command loads a mail server

    raise typer.Exit(run_demo(once=once))
