"""The commands. No logic: each reads its options, calls a function, prints, and exits."""

import asyncio
import sys
from dataclasses import asdict
from email.utils import parseaddr
from typing import Annotated

import typer

from mailroom import __version__
from mailroom.account import Account
from mailroom.admin.check import check as run_check
from mailroom.admin.check import verdict
from mailroom.admin.explain import explain as explain_sender
from mailroom.admin.probe import probe
from mailroom.admin.reset import Scope, survey, take_back
from mailroom.admin.setup import create, find_lacking, rules_text
from mailroom.command import Answer, fail, log_as_set, on_accounts, remark, settings_or_exit
from mailroom.exits import Exit
from mailroom.health import PortUnavailableError
from mailroom.output import OutputError, guard_output
from mailroom.report import outcome_data, outcome_text, plan_data, plan_text, printable, summary
from mailroom.report.bars import progress_bars
from mailroom.runtime.process import serve
from mailroom.screener.model.sender import is_address
from mailroom.settings import describe

app = typer.Typer(
    name="mailroom",
    help="HEY's Screener for any JMAP mail account.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]
One = Annotated[
    str | None,
    typer.Option("--account", metavar="NAME", help="Only this one of several accounts."),
]


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
    """Check settings, servers, mailboxes, groups and push; change nothing."""
    on_accounts(account, _check, as_json=as_json)


async def _check(account: Account, answer: Answer) -> Exit:
    findings = []
    async for finding in run_check(account):
        answer.text(finding.text())
        if not finding.is_passing:
            findings.append(finding)
    code = verdict(findings)
    answer.give(
        {
            "settings": {setting.variable: setting.value for setting in describe(account.settings)},
            "findings": [asdict(finding) for finding in findings],
            "exit_code": code,
        }
    )
    return code


@app.command()
def setup(
    *,
    account: One = None,
    apply: Annotated[bool, typer.Option("--apply", help="Create them.")] = False,
) -> None:
    """Show (or create) the mailboxes and contact groups that are missing."""
    on_accounts(account, lambda opened, answer: _setup(opened, answer, apply=apply))


async def _setup(account: Account, answer: Answer, *, apply: bool) -> Exit:
    lacking = await find_lacking(account)
    if lacking:
        answer.text(["Creating:" if apply else "Missing (`mailroom setup --apply` creates them):"])
        answer.text(f"  {line}" for line in lacking.lines())
        if apply:
            await create(account, lacking)
            answer.text(["Done."])
    else:
        answer.text(["All mailboxes and contact groups are there."])
    answer.text(["", *_rules(account)])
    return Exit.OK


def _rules(account: Account) -> list[str]:
    settings = account.settings
    by_itself = "Mailroom does so itself; the rules are for the time when it is not running."
    return [
        "Rules for your provider, in this order. They file mail of unknown senders to",
        "the Screener, and new mail of senders whom you have decided on to its place.",
        *([by_itself] if settings.arrivals.enabled else []),
        "",
        *rules_text(settings.categories, settings.screener.layout),
    ]


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
    on_accounts(
        account,
        lambda opened, answer: _triage(opened, answer, dry_run=dry_run),
        as_json=as_json,
    )


async def _triage(account: Account, answer: Answer, *, dry_run: bool) -> Exit:
    workflow = await account.workflow()
    plan = await workflow.plan()
    answer.text(plan_text(plan))
    if dry_run:
        answer.give(plan_data(plan))
        remark("A dry run: nothing was changed.")
        return Exit.OK
    report = await workflow.apply(plan)
    answer.text(outcome_text(report))
    answer.give({**plan_data(plan), **outcome_data(report)})
    remark(summary(report))
    return Exit.OK if report.is_complete else Exit.FAILED


@app.command()
def explain(
    address: Annotated[str, typer.Argument(help="The sender's address.")],
    *,
    account: One = None,
    as_json: Json = False,
) -> None:
    """Show a sender's contact and mail, and where new mail of the sender would go."""
    asked = address if is_address(address) else parseaddr(address)[1]
    if not is_address(asked):
        fail(f"{printable(address)!r} is not a valid address", Exit.CONFIGURATION)
    on_accounts(account, lambda opened, answer: _explain(opened, answer, asked), as_json=as_json)


async def _explain(account: Account, answer: Answer, address: str) -> Exit:
    explanation = await explain_sender(account, address)
    answer.text(explanation.text())
    answer.give(explanation.data())
    return Exit.OK


@app.command()
def reset(
    *,
    account: One = None,
    apply: Annotated[bool, typer.Option("--apply", help="Undo it.")] = False,
    as_json: Json = False,
) -> None:
    """Show (or undo) everything that Mailroom did to mail and contacts."""
    on_accounts(
        account,
        lambda opened, answer: _reset(opened, answer, apply=apply),
        as_json=as_json,
        one_only=apply,
    )


async def _reset(account: Account, answer: Answer, *, apply: bool) -> Exit:
    with progress_bars() as tell:
        scope = await Scope.of(account, tell)
        found = await survey(scope)
        answer.text(found.text())
        if not apply:
            answer.give(found.data())
            remark(found.advice(account.settings.name))
            return Exit.OK
        outcome = await take_back(scope, found)
    answer.text(outcome.text())
    answer.give({**found.data(), **outcome.data()})
    name = account.settings.name
    remark(found.advice(name) if found.is_empty else outcome.summary(name))
    return Exit.OK if outcome.is_complete else Exit.FAILED


@app.command()
def health() -> None:
    """Ask the service on this machine if it is well; exit code 0 if it is, else 1."""
    answer = asyncio.run(probe())
    typer.echo(answer.text)
    raise typer.Exit(Exit.OK if answer.is_well else Exit.FAILED)


@app.command()
def demo(
    *, once: Annotated[bool, typer.Option("--once", help="End after the script.")] = False
) -> None:
    """Show Mailroom at work on an account in memory, without settings or credentials."""
    from mailroom.demo import run_demo  # noqa: PLC0415 - no other command loads a mail server

    raise typer.Exit(run_demo(once=once))


def main() -> None:
    """Run the command line."""
    guard_output()
    try:
        app()
    except OutputError as error:
        remark(str(error))
        sys.exit(Exit.FAILED)
