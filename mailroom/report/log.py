"""The log lines of a pass: one for each decision, and for each label that a person has to mend."""

import logging
from collections import Counter
from typing import Any

import structlog

from mailroom.report.common import change, paths, where
from mailroom.screener.passes.plan import Filing, Plan
from mailroom.screener.passes.progress import Report


def log_report(log: structlog.stdlib.BoundLogger, report: Report) -> None:
    """Log one line for each decision, conflict and unusable mail."""
    for filing in report.plan.filings:
        facts = _log_facts(filing)
        reason = report.failures.get(filing.decision.id)
        if reason is None:
            log.info("decision carried out", **facts)
        else:
            if filing.decision.id in report.refused:
                facts["refused_for_good"] = True
            log.error("decision not finished, will be tried again", reason=reason, **facts)
    _log_stuck(log, report.plan)
    _log_arrivals(log, report)
    for email_id, reason in report.labels_failed.items():
        log.error("label not changed, will be tried again", mail=email_id, reason=reason)


def left_undone(report: Report) -> list[tuple[str, int, str]]:
    """Return the work that a pass left to be tried again: kind of thing, number, reason."""
    left = Counter(("decision", why) for why in report.failures.values())
    left.update(("label", why) for why in report.labels_failed.values())
    left.update(("new mail", why) for why in report.arrived.failures.values())
    if report.plan.unscreened:
        left["new mail", report.plan.unscreened] += 1
    return [(what, count, why) for (what, why), count in left.items()]


def _log_arrivals(log: structlog.stdlib.BoundLogger, report: Report) -> None:
    """Log one line for each sender and rule, with the number of mails."""
    filed = Counter((each.sender, each.rule.name.lower()) for each in report.arrived.filed)
    for (sender, rule), mails in filed.items():
        log.info("new mail filed", sender=sender, rule=rule, mails=mails)
    if report.plan.unscreened:
        log.error("new mail not screened, will be tried again", reason=report.plan.unscreened)
    for reason, mails in Counter(report.arrived.failures.values()).items():
        log.error("new mail not filed, will be tried again", mails=mails, reason=reason)
    for reason, mails in Counter(report.arrived.refused.values()).items():
        log.error("new mail not filed, the server refuses it for good", mails=mails, reason=reason)


def _log_stuck(log: structlog.stdlib.BoundLogger, plan: Plan) -> None:
    """Log labels that a person has to mend: as a warning only when the error label goes on."""
    for conflict in plan.conflicts:
        labels = paths(conflict.labels, plan.gathered.directory)
        addresses = sorted(conflict.contact.addresses)
        is_new = any(each.email.id in plan.label_patches for each in conflict.contact.labelled)
        level = logging.WARNING if is_new else logging.DEBUG
        log.log(level, "sender has different labels", addresses=addresses, labels=labels)
    for decision, reason in plan.refused:
        is_new = any(each.email.id in plan.label_patches for each in decision.contact.labelled)
        level = logging.WARNING if is_new else logging.DEBUG
        addresses = sorted(decision.contact.addresses)
        log.log(level, "decision waits, the server refuses it", addresses=addresses, reason=reason)
    for email, reason in plan.unusable:
        level = logging.WARNING if email.id in plan.label_patches else logging.DEBUG
        log.log(level, "labelled mail names no sender", mail=email.id, reason=reason)


def _log_facts(filing: Filing) -> dict[str, Any]:
    decision = filing.decision
    return {
        "decision": decision.id,
        "category": where(decision),
        "addresses": sorted(decision.contact.addresses),
        "contact": [change(edit) for edit in decision.edits],
        "labelled": len(filing.labelled),
        "swept": len(filing.swept),
        "name_mismatch": bool(decision.mismatched),
    }
