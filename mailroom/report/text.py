"""Plans and their outcomes in lines for a terminal; mails that move alike are counted together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from mailroom.contacts.model import Card, ContactEdit, CreateCard, DeleteCard, Group, UpdateCard
from mailroom.jmap.mail import Patch
from mailroom.report.common import (
    answer_name,
    counted,
    filled_names,
    group_names,
    mailbox_changes,
    patches_of,
    paths,
    printable,
)
from mailroom.screener.model.places import Directory
from mailroom.screener.passes.plan import Plan
from mailroom.screener.passes.progress import Report
from mailroom.screener.triage.contacts import Contact


def plan_text(plan: Plan) -> Iterator[str]:
    """Return a plan in lines for a terminal; mails that move alike are counted together."""
    directory = plan.gathered.directory
    if plan.is_empty and not plan.conflicts and not plan.unusable:
        new = "" if plan.judged is None else ", and no new mail has to move"
        yield f"Nothing to do: no mail bears a triage label{new}."
    for filing in plan.filings:
        decision = filing.decision
        yield f"{_addresses(decision.contact)} -> {answer_name(decision)}  [{decision.id}]"
        for edit in decision.edits:
            yield from (f"  {line}" for line in _edit_text(edit, plan.snapshot.groups))
        if decision.mismatched:
            yield "  warning: the name in From is not the contact's"
        yield from _moves_text(patches_of(filing), directory, indent="  ")
    for conflict in plan.conflicts:
        labels = ", ".join(paths(conflict.labels, directory))
        yield f"{_addresses(conflict.contact)}: has different labels: {labels}"
        yield "  waits until only one label is left"
    for decision, reason in plan.skipped:
        yield f"{_addresses(decision.contact)}: refused by the server: {reason}"
        yield "  waits for an hour, or until its label is changed"
    for email, reason in plan.unusable:
        yield f"mail {email.id}: {reason}"
        yield "  waits until its label is removed"
    label_only = plan.label_only_patches
    own = {email.id: label_only[email.id] for email in plan.own if email.id in label_only}
    others = {email_id: patch for email_id, patch in label_only.items() if email_id not in own}
    yield from _moves_text(others, directory, " without a decision")
    yield from _moves_text(own, directory, " of your own")
    # New mail, by sender and rule; mail that stays in the Inbox has no line.
    new_mail: dict[tuple[str, str], dict[str, Patch]] = {}
    for verdict in plan.changing_verdicts:
        patches = new_mail.setdefault((verdict.sender, verdict.rule.value), {})
        patches[verdict.email.id] = verdict.patch or {}
    for (sender, rule), patches in new_mail.items():
        yield f"new mail of {printable(sender) or 'nobody'}: {rule}"
        yield from _moves_text(patches, directory, indent="  ")


def _edit_text(edit: ContactEdit, groups: Iterable[Group]) -> Iterator[str]:
    match edit.card:
        case CreateCard(contact_type=contact_type, names=names, note=line):
            yield f"creates the contact {_quoted(names.full)}, a {contact_type}"
            yield f"notes {_quoted(line)}"
        case UpdateCard(card=card, add_line=line) as update:
            contact = f"the contact {_card_name(card)}"
            filled = [f"{part} {_quoted(name)}" for part, name in filled_names(update.fill).items()]
            if filled:
                yield f"fills in on {contact}: {', '.join(filled)}"
            elif update.forget:
                yield f"removes Mailroom's traces from {contact}"
            else:
                yield f"keeps {contact}"
            if line:
                yield f"notes {_quoted(line)}"
        case DeleteCard(card=card):
            yield f"deletes the contact {_card_name(card)}, which Mailroom made"
    changes = [f"+{name}" for name in group_names(edit.join, groups)]
    changes += [f"-{name}" for name in group_names(edit.leave, groups)]
    if changes:
        yield f"contact groups: {', '.join(changes)}"


def _moves_text(
    patches: Mapping[str, Patch], directory: Directory, kind: str = "", *, indent: str = ""
) -> Iterator[str]:
    counts = Counter[str]()
    for patch in patches.values():
        changes = mailbox_changes(patch, directory)
        added = [f"+{path}" for path in changes["add"]]
        removed = [f"-{path}" for path in changes["remove"]]
        counts[", ".join([*added, *removed])] += 1
    for changes_text, count in sorted(counts.items()):
        yield f"{indent}{counted(count, 'mail')}{kind}: {changes_text}"


def _addresses(contact: Contact) -> str:
    return ", ".join(map(printable, contact.keys_for_people))


def _card_name(card: Card) -> str:
    return _quoted(card.names.full or next(iter(card.addresses), card.uid))


def _quoted(text: str) -> str:
    return f'"{printable(text)}"'


def outcome_text(report: Report) -> Iterator[str]:
    """Return the lines that the plan did not have: mail that came meanwhile, and failures."""
    yield from _moves_text(report.late, report.plan.gathered.directory, " that came meanwhile")
    for filing in report.plan.filings:
        decision = filing.decision
        if reason := report.failures.get(decision.id):
            yield f"FAILED {_addresses(decision.contact)}  [{decision.id}]: {reason}"
            yield "  its label stays on; the next pass tries again"
    if report.plan.screening_error:
        yield f"FAILED new mail: {report.plan.screening_error}"
    for failures in (
        report.label_failures,
        report.arrived.failures,
        report.arrived.lasting_refusals,
    ):
        yield from (f"FAILED mail {email_id}: {reason}" for email_id, reason in failures.items())


def summary(report: Report) -> str:
    """Return the numbers of decisions and mails, in a line."""
    done = f"{counted(len(report.finished), 'decision')} carried out"
    return f"{done}, {counted(report.mails, 'mail')} filed."
