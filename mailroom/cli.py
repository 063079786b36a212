"""The commands. No logic: each reads its options, calls, prints, and tells the exit code."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer

from mailroom import __version__
from mailroom.account import Account, open_account
from mailroom.admin.check import Finding, verdict
from mailroom.admin.check import check as look_over
from mailroom.admin.explain import explain as look_up
from mailroom.admin.probe import probe
from mailroom.admin.setup import create, find_lacking, rules_text
from mailroom.exits import Exit
from mailroom.failing import EXPECTED, exit_code
from mailroom.health import PortUnavailableError
from mailroom.logs import configure_logging
from mailroom.process import serve
from mailroom.report import outcome_data, outcome_text, plan_data, plan_text, shown, summary
from mailroom.screener.sender import is_address
from mailroom.settings import Settings, SettingsError, describe, load_settings

app = typer.Typer(
    name="mailroom",
    help="HEY's Screener for any JMAP mail account.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_LOG_LEVEL: Final = ("log", "level")

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print data instead of text.")]


@app.callback(invoke_without_command=True)
def default(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """HEY's Screener for any JMAP mail account. Without a command: run."""
    if version:
        typer.echo(f"mailroom {__version__}")
    elif context.invoked_subcommand is None:
        run()


@app.command()
def run() -> None:
    """Run the service."""
    settings = _settings()
    _log(settings, level=settings.log.level)
    try:
        code = asyncio.run(serve(settings))
    except PortUnavailableError as error:
        _fail(str(error), Exit.CONFIGURATION)
    raise typer.Exit(code)


@app.command()
def check(*, as_json: Json = False) -> None:
    """Look at settings, servers, mailboxes, groups and push; change nothing."""
    settings = _settings()
    findings = _do(settings, lambda account: _check(account, quiet=as_json))
    code = verdict(findings)
    if as_json:
        _print_json(
            {
                "settings": {each.variable: each.value for each in describe(settings)},
                "findings": [asdict(each) for each in findings],
                "exit_code": code,
            }
        )
    raise typer.Exit(code)


async def _check(account: Account, *, quiet: bool) -> list[Finding]:
    findings = []
    async for finding in look_over(account):
        findings.append(finding)
        if not quiet:
            _print_lines(finding.text())
    return findings


@app.command()
def setup(*, apply: Annotated[bool, typer.Option("--apply", help="Create them.")] = False) -> None:
    """Show (or create) the mailboxes and contact groups that are missing."""
    settings = _settings()
    _do(settings, lambda account: _setup(account, apply=apply))
    typer.echo("\nRules for your provider, in this order. They bring unknown senders to the")
    typer.echo("Screener, and new mail of senders that you have decided on to its place.")
    if settings.arrivals.enabled:
        typer.echo("Mailroom does so by itself: the rules are for the time when it is not running.")
    typer.echo("")
    _print_lines(rules_text(settings.categories, settings.screener.layout))


async def _setup(account: Account, *, apply: bool) -> None:
    lacking = await find_lacking(account)
    if not lacking:
        typer.echo("All mailboxes and contact groups are there.")
        return
    typer.echo("Creating:" if apply else "Missing (`mailroom setup --apply` creates them):")
    _print_lines(f"  {line}" for line in lacking.lines())
    if apply:
        await create(account, lacking)
        typer.echo("Done.")


@app.command()
def triage(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print what would be done.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run one pass and exit."""
    code = _do(_settings(), lambda account: _triage(account, dry_run=dry_run, as_json=as_json))
    raise typer.Exit(code)


async def _triage(account: Account, *, dry_run: bool, as_json: bool) -> Exit:
    workflow = await account.workflow()
    plan = await workflow.plan()
    if not as_json:
        _print_lines(plan_text(plan))
    if dry_run:
        if as_json:
            _print_json(plan_data(plan))
        _remark("A dry run: nothing was changed.")
        return Exit.OK
    report = await workflow.apply(plan)
    if as_json:
        _print_json({**plan_data(plan), **outcome_data(report)})
    else:
        _print_lines(outcome_text(report))
    _remark(summary(report))
    return Exit.OK if report.is_complete else Exit.FAILED


@app.command()
def explain(
    address: Annotated[str, typer.Argument(help="Whose mail it is about.")],
    *,
    as_json: Json = False,
) -> None:
    """Tell what is known of a sender, and where new mail would go and why."""
    settings = _settings()
    if not is_address(address):
        _fail(f"{shown(address)!r} is no address", Exit.CONFIGURATION)
    explanation = _do(settings, lambda account: look_up(account, address))
    if as_json:
        _print_json(explanation.data())
    else:
        _print_lines(explanation.text())


@app.command()
def health() -> None:
    """Ask the service that runs here how it is; exit code 0 if it is well, else 1."""
    answer = asyncio.run(probe())
    typer.echo(answer.text)
    raise typer.Exit(Exit.OK if answer.is_well else Exit.FAILED)


@app.command()
def demo(
    *, once: Annotated[bool, typer.Option("--once", help="End after the script.")] = False
) -> None:
    """Show all of it on an account in memory, without settings or credentials."""
    from mailroom.demo import run_demo  # noqa: PLC0415 - no other command loads a mail server

    raise typer.Exit(run_demo(once=once))


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        _fail(str(error), Exit.CONFIGURATION)


def _log(settings: Settings, *, level: str) -> None:
    configure_logging(level=level, format=settings.log.format, secrets=settings.secrets())


def _do(settings: Settings, work: Callable[[Account], Awaitable[T]]) -> T:
    """Open the account and work on it; what a server may cause ends in one line and a code.

    Somebody waits for what it prints: unless the settings say otherwise, only warnings are logged.
    """
    _log(settings, level=settings.log.level if settings.origin(_LOG_LEVEL) else "warning")

    async def opened() -> T:
        async with open_account(settings) as account:
            return await work(account)

    try:
        return asyncio.run(opened())
    except EXPECTED as error:
        _fail(str(error), exit_code(error))


def _fail(text: str, code: Exit) -> NoReturn:
    _remark(text)
    raise typer.Exit(code)


def _remark(text: str) -> None:
    """Say something that is not what was asked for, so that this alone is on standard output."""
    typer.echo(text, err=True)


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _print_json(data: Any) -> None:
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def main() -> None:
    """The entry point."""
    app()
