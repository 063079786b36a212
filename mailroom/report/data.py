"""Plans and their outcomes as JSON data, with every move of a mail."""

from collections.abc import Mapping
from typing import Any

from mailroom.contacts.model import CreateCard, UpdateCard
from mailroom.jmap.mail import Patch
from mailroom.report.common import (
    answer_name,
    card_change,
    filled_names,
    group_names,
    mailbox_changes,
    patches_of,
    paths,
)
from mailroom.screener.model.places import Directory
from mailroom.screener.passes.plan import Filing, Plan
from mailroom.screener.passes.progress import Report


def plan_data(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON data, with every move of a mail."""
    directory = plan.gathered.directory
    verdicts = () if plan.judged is None else plan.judged.verdicts
    return {
        "decisions": [_filing_data(filing, plan) for filing in plan.filings],
        "conflicts": [
            {
                "addresses": conflict.contact.keys_for_people,
                "labels": paths(conflict.labels, directory),
                "mails": [labelled.email.id for labelled in conflict.contact.labelled],
            }
            for conflict in plan.conflicts
        ],
        "refused": [
            {
                "id": decision.id,
                "addresses": decision.contact.keys_for_people,
                "reason": reason,
            }
            for decision, reason in plan.skipped
        ],
        "unusable": [{"mail": email.id, "reason": reason} for email, reason in plan.unusable],
        "marks": _moves_data(plan.label_only_patches, directory),
        "new_mail": [
            {
                "mail": verdict.email.id,
                "sender": verdict.sender,
                "rule": verdict.rule.name.lower(),
                **mailbox_changes(verdict.patch or {}, directory),
            }
            for verdict in verdicts
        ],
    }


def _filing_data(filing: Filing, plan: Plan) -> dict[str, Any]:
    decision, contacts = filing.decision, list[dict[str, Any]]()
    for edit in decision.edits:
        card: dict[str, Any] = {}
        match edit.card:
            case CreateCard(contact_type=contact_type, names=names, note=line):
                card = {"type": str(contact_type), "names": filled_names(names), "note": line}
            case UpdateCard(fill=fill, add_line=line, remove_lines=removed):
                card = {"names": filled_names(fill), "note": line, "note_without": sorted(removed)}
        contacts.append(
            {
                "uid": edit.uid,
                "change": card_change(edit),
                **card,
                "joins": group_names(edit.join, plan.snapshot.groups),
                "leaves": group_names(edit.leave, plan.snapshot.groups),
            }
        )
    return {
        "id": decision.id,
        "addresses": decision.contact.keys_for_people,
        "category": None if decision.answer is None else answer_name(decision),
        "name_mismatch": sorted(decision.mismatched),
        "contacts": contacts,
        "moves": _moves_data(patches_of(filing), plan.gathered.directory),
    }


def _moves_data(patches: Mapping[str, Patch], directory: Directory) -> dict[str, Any]:
    return {
        email_id: mailbox_changes(patch, directory) for email_id, patch in sorted(patches.items())
    }


def outcome_data(report: Report) -> dict[str, Any]:
    """Return the outcome of a plan as JSON data."""
    return {
        "failures": dict(report.failures),
        "marks_failed": dict(report.label_failures),
        "new_mail_failed": {**report.arrived.failures, **report.arrived.lasting_refusals},
        "new_mail_unscreened": report.plan.screening_error,
        "late": _moves_data(report.late, report.plan.gathered.directory),
    }
