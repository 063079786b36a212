"""The log lines of a pass: one for each decision, and one for each label that a person must fix."""

import logging
from collections import Counter
from typing import Any

import structlog

from mailroom.report.common import answer_name, card_change, paths
from mailroom.screener.passes.plan import Plan
from mailroom.screener.passes.progress import Report


def log_report(log: structlog.stdlib.BoundLogger, report: Report) -> None:
    """Log one line for each decision, conflict and unusable mail."""
    for filing in report.plan.filings:
        decision = filing.decision
        facts: dict[str, Any] = {
            "decision": decision.id,
            "category": answer_name(decision),
            "addresses": decision.contact.keys_for_people,
            "contact": [card_change(edit) for edit in decision.edits],
            "labelled": len(filing.labelled_patches),
            "swept": len(filing.swept_patches),
            "name_mismatch": bool(decision.mismatched),
        }
        reason = report.failures.get(decision.id)
        if reason is None:
            log.info("decision carried out", **facts)
        else:
            if decision.id in report.lasting_refusals:
                facts["refused_for_good"] = True
            log.error("decision not finished, will be tried again", reason=reason, **facts)
    _log_labels_to_mend(log, report.plan)
    # New mail has one line for each sender and rule.
    filed = Counter((verdict.sender, verdict.rule.name.lower()) for verdict in report.arrived.filed)
    for (sender, rule), mails in filed.items():
        log.info("new mail filed", sender=sender, rule=rule, mails=mails)
    if report.plan.screening_error:
        log.error("new mail not screened, will be tried again", reason=report.plan.screening_error)
    for reason, mails in Counter(report.arrived.failures.values()).items():
        log.error("new mail not filed, will be tried again", mails=mails, reason=reason)
    for reason, mails in Counter(report.arrived.lasting_refusals.values()).items():
        log.error("new mail not filed, the server refuses it for good", mails=mails, reason=reason)
    for email_id, reason in report.label_failures.items():
        log.error("label not changed, will be tried again", mail=email_id, reason=reason)


def left_undone(report: Report) -> list[tuple[str, int, str]]:
    """Return the work that a pass left to be tried again: kind of thing, number, reason."""
    left = Counter(("decision", reason) for reason in report.failures.values())
    left.update(("label", reason) for reason in report.label_failures.values())
    left.update(("new mail", reason) for reason in report.arrived.failures.values())
    for path in report.plan.gathered.places.missing_labels:
        left["label", f"mailbox missing: {path} (`mailroom setup --apply` creates it)"] += 1
    if report.plan.screening_error:
        left["new mail", report.plan.screening_error] += 1
    return [(kind, count, reason) for (kind, reason), count in left.items()]


def _log_labels_to_mend(log: structlog.stdlib.BoundLogger, plan: Plan) -> None:
    """Log labels that a person must fix: a warning when the error label is added, later debug."""
    for conflict in plan.conflicts:
        labels = paths(conflict.labels, plan.gathered.directory)
        addresses = conflict.contact.keys_for_people
        is_new = any(mail.email.id in plan.label_only_patches for mail in conflict.contact.labelled)
        level = logging.WARNING if is_new else logging.DEBUG
        log.log(level, "sender has different labels", addresses=addresses, labels=labels)
    for decision, reason in plan.skipped:
        is_new = any(mail.email.id in plan.label_only_patches for mail in decision.contact.labelled)
        level = logging.WARNING if is_new else logging.DEBUG
        addresses = decision.contact.keys_for_people
        log.log(level, "decision waits, the server refuses it", addresses=addresses, reason=reason)
    for email, reason in plan.unusable:
        level = logging.WARNING if email.id in plan.label_only_patches else logging.DEBUG
        log.log(level, "label cannot be acted on", mail=email.id, reason=reason)
