"""Commands about the whole account."""

from dataclasses import asdict
from typing import Final

from mailroom.account import Account
from mailroom.admin.check import check as run_check
from mailroom.admin.check import verdict
from mailroom.admin.explain import explain as explain_subject
from mailroom.admin.inspections import send_test_notice
from mailroom.admin.reset import Scope, survey, take_back
from mailroom.admin.setup import create, find_lacking, rules_text
from mailroom.cli.on_accounts import Output, on_accounts, subject_or_exit
from mailroom.exits import Exit
from mailroom.report import outcome_data, outcome_text, plan_data, plan_text, summary
from mailroom.report.bars import progress_bars
from mailroom.settings.show import describe
from mailroom.terminal.output import remark

_RULES: Final = (
    "Rules for your provider, in this order. They file mail of unknown senders to",
    "the Screener, and new mail of senders whom you have decided on to its place.",
)
_RULES_BESIDE_MAILROOM: Final = (
    "Mailroom does so itself; the rules are for the time when it is not running."
)


def check(*, account: str | None, notice: bool, as_json: bool) -> None:
    """Check settings, servers, mailboxes, groups and push. Change nothing."""

    async def work(opened: Account, output: Output) -> Exit:
        findings = []
        async for finding in run_check(opened):
            output.print(finding.text())
            if not finding.is_passing:
                findings.append(finding)
        if notice:
            async for finding in send_test_notice(opened):
                output.print(finding.text())
                if not finding.is_passing:
                    findings.append(finding)
        code = verdict(findings)
        settings = {setting.variable: setting.value for setting in describe(opened.settings)}
        failed = [asdict(finding) for finding in findings]
        output.set_data({"settings": settings, "findings": failed, "exit_code": code})
        return code

    on_accounts(account, work, as_json=as_json)


def setup(*, account: str | None, apply: bool) -> None:
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


def triage(*, account: str | None, dry_run: bool, as_json: bool) -> None:
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


def explain(*, who: str, account: str | None, as_json: bool) -> None:
    """Show a sender's contact and mail, and where new mail goes."""
    subject = subject_or_exit(who)

    async def work(opened: Account, output: Output) -> Exit:
        explanation = await explain_subject(opened, subject)
        output.print(explanation.text())
        output.set_data(explanation.data())
        return Exit.OK

    on_accounts(account, work, as_json=as_json)


def reset(*, account: str | None, apply: bool, as_json: bool) -> None:
    """Show (or undo) everything that Mailroom did to mail and contacts."""

    async def work(opened: Account, output: Output) -> Exit:
        name = opened.settings.name
        with progress_bars() as show_progress:
            scope = await Scope.of(opened, show_progress)
            traces = await survey(scope)
            output.print(traces.text())
            if not apply:
                output.set_data(traces.data())
                remark(traces.advice(name))
                return Exit.OK
            outcome = await take_back(scope, traces)
        output.print(outcome.text())
        output.set_data({**traces.data(), **outcome.data()})
        remark(traces.advice(name) if traces.is_empty else outcome.summary(name))
        return Exit.OK if outcome.is_complete else Exit.FAILED

    on_accounts(account, work, as_json=as_json, one_only=apply)
