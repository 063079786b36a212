"""Plans and their outcomes in lines for a terminal; mails that move alike are counted together."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from mailroom.contacts.model import Card, ContactEdit, CreateCard, DeleteCard, Group, UpdateCard
from mailroom.jmap.mail import Patch
from mailroom.report.common import given, group_names, move, moves_of, paths, shown, where
from mailroom.screener.model.places import Directory
from mailroom.screener.passes.plan import Filing, Plan
from mailroom.screener.passes.progress import Report
from mailroom.screener.triage.contacts import Contact


def plan_text(plan: Plan) -> Iterator[str]:
    """Return a plan in lines for a terminal; mails that move alike are counted together."""
    if plan.is_empty and not plan.conflicts and not plan.unusable:
        new = "" if plan.judged is None else ", and no new mail has to move"
        yield f"Nothing to do: no mail bears a triage label{new}."
    for filing in plan.filings:
        yield from _filing_text(filing, plan)
    for conflict in plan.conflicts:
        labels = ", ".join(paths(conflict.labels, plan.gathered.directory))
        yield f"{_who(conflict.contact)}: has different labels: {labels}"
        yield "  waits until one is left"
    for decision, reason in plan.refused:
        yield f"{_who(decision.contact)}: refused by the server: {reason}"
        yield "  waits for an hour, or until its label is changed"
    for email, reason in plan.unusable:
        yield f"mail {email.id}: {reason}"
        yield "  waits until its label is taken off"
    yield from _marks_text(plan)
    yield from _arrivals_text(plan)


def _filing_text(filing: Filing, plan: Plan) -> Iterator[str]:
    decision = filing.decision
    yield f"{_who(decision.contact)} -> {where(decision)}  [{decision.id}]"
    for edit in decision.edits:
        yield from (f"  {line}" for line in _edit_text(edit, plan.groups))
    if decision.mismatched:
        yield "  warning: the name in From is not the contact's"
    yield from _moves_text(moves_of(filing), plan.gathered.directory, indent="  ")


def _edit_text(edit: ContactEdit, groups: Iterable[Group]) -> Iterator[str]:
    match edit.card:
        case CreateCard(contact_type=contact_type, names=names, note=line):
            yield f"makes the contact {_quoted(names.full)}, a {contact_type}"
            yield f"notes {_quoted(line)}"
        case UpdateCard(card=card, add_line=line) as update:
            yield from _update_text(update, f"the contact {_called(card)}")
            if line:
                yield f"notes {_quoted(line)}"
        case DeleteCard(card=card):
            yield f"deletes the contact {_called(card)}, which Mailroom made"
    changes = [f"+{name}" for name in group_names(edit.join, groups)]
    changes += [f"-{name}" for name in group_names(edit.leave, groups)]
    if changes:
        yield f"contact groups: {', '.join(changes)}"


def _update_text(update: UpdateCard, contact: str) -> Iterator[str]:
    filled = [f"{part} {_quoted(name)}" for part, name in given(update.fill).items()]
    if filled:
        yield f"fills in on {contact}: {', '.join(filled)}"
    elif update.forget:
        yield f"takes Mailroom's traces off {contact}"
    else:
        yield f"keeps {contact}"


def _marks_text(plan: Plan) -> Iterator[str]:
    directory, own = plan.gathered.directory, {email.id for email in plan.own}
    yours = {email_id: patch for email_id, patch in plan.label_patches.items() if email_id in own}
    others = {
        email_id: patch for email_id, patch in plan.label_patches.items() if email_id not in own
    }
    yield from _moves_text(others, directory, " without a decision")
    yield from _moves_text(yours, directory, " of your own")


def _arrivals_text(plan: Plan) -> Iterator[str]:
    """Return the lines of new mail, by sender; mail that stays in the Inbox has no line."""
    by_sender: dict[tuple[str, str], dict[str, Patch]] = {}
    for each in plan.moves:
        moves = by_sender.setdefault((each.sender, each.rule.value), {})
        moves[each.email.id] = each.patch or {}
    for (sender, rule), moves in by_sender.items():
        yield f"new mail of {shown(sender) or 'nobody'}: {rule}"
        yield from _moves_text(moves, plan.gathered.directory, indent="  ")


def _moves_text(
    moves: Mapping[str, Patch], directory: Directory, what: str = "", *, indent: str = ""
) -> Iterator[str]:
    alike = Counter(_move_text(patch, directory) for patch in moves.values())
    for described, count in sorted(alike.items()):
        yield f"{indent}{_counted(count, 'mail')}{what}: {described}"


def _move_text(patch: Patch, directory: Directory) -> str:
    moved = move(patch, directory)
    return ", ".join([*(f"+{path}" for path in moved["add"]), *(f"-{p}" for p in moved["remove"])])


def _who(contact: Contact) -> str:
    return ", ".join(map(shown, sorted(contact.addresses)))


def _called(card: Card) -> str:
    return _quoted(card.names.full or next(iter(card.addresses), card.uid))


def _quoted(text: str) -> str:
    return f'"{shown(text)}"'


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def outcome_text(report: Report) -> Iterator[str]:
    """Return the lines that the plan did not have: mail that came meanwhile, and failures."""
    yield from _moves_text(report.late, report.plan.gathered.directory, " that came meanwhile")
    for filing in report.plan.filings:
        decision = filing.decision
        if reason := report.failures.get(decision.id):
            yield f"FAILED {_who(decision.contact)}  [{decision.id}]: {reason}"
            yield "  its label stays on; the next pass tries again"
    if report.plan.unscreened:
        yield f"FAILED new mail: {report.plan.unscreened}"
    left = (report.labels_failed, report.arrived.failures, report.arrived.refused)
    for email_id, reason in (item for each in left for item in each.items()):
        yield f"FAILED mail {email_id}: {reason}"


def summary(report: Report) -> str:
    """Return the numbers of decisions and mails, in a line."""
    done = f"{_counted(len(report.finished), 'decision')} carried out"
    return f"{done}, {_counted(report.mails, 'mail')} filed."
