"""The same plan for mail that somebody may have changed since it was read. Pure.

What was decided stands. Where a mail goes depends on where it is, so that is planned anew; a mail
with another label by now is left to the next pass.
"""

from collections.abc import Collection, Iterable

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.categories import Categories
from mailroom.screener.decide import Decision
from mailroom.screener.filing import file_labelled, file_swept, target_of
from mailroom.screener.places import Places
from mailroom.screener.plan import BySender, Filing, Plan, mark, plan_filing, stuck_of


def file_late(
    plan: Plan, filings: Iterable[Filing], came: Iterable[Email], categories: Categories
) -> list[Filing]:
    """File what came of the decided senders since their mail was looked for.

    Args:
        plan: as it was.
        filings: those of its decisions that still count.
        came: mails, of whomever.
        categories: all of them, for the chain.
    """
    mails_of, places = BySender(came, plan.decided.stand_in), plan.marked.places
    return [plan_filing(each.decision, mails_of, places, categories) for each in filings]


def refile_unlabelled(
    plan: Plan, filings: Iterable[Filing], emails: Collection[Email], categories: Categories
) -> dict[str, Patch]:
    """Plan anew what :attr:`Plan.marks` and :attr:`Filing.swept` were for.

    ``emails`` are mails that were to be patched, as they are now; else as :func:`file_late`.
    """
    swept = [each for each in emails if each.id not in plan.marks]
    patches = _remark(plan, [each for each in emails if each.id in plan.marks])
    for filing in file_late(plan, filings, swept, categories):
        patches |= filing.swept
    return patches


def _remark(plan: Plan, emails: Iterable[Email]) -> dict[str, Patch]:
    """Marks depend on the labels alone, so they stand as long as those are the same."""
    labels = plan.marked.places.labels.keys()
    before = {each.id: each.mailbox_ids & labels for each in plan.marked.emails}
    same = [each for each in emails if each.mailbox_ids & labels == before[each.id]]
    own = {each.id for each in plan.own}
    stuck = {each.id for each in stuck_of(plan.conflicts, plan.unusable, plan.refused)}
    return mark(
        leftovers=[each for each in same if each.id not in own | stuck],
        own=[each for each in same if each.id in own],
        stuck=[each for each in same if each.id in stuck],
        places=plan.marked.places,
    )


def refile_labelled(
    plan: Plan, filings: Iterable[Filing], emails: Iterable[Email], categories: Categories
) -> dict[str, Patch]:
    """Plan anew what :attr:`Filing.labelled` was for; as :func:`refile_unlabelled`."""
    decisions = {each: filing.decision for filing in filings for each in filing.labelled}
    patches = {
        each.id: _refile(each, decisions[each.id], plan.marked.places, categories)
        for each in emails
        if each.id in decisions
    }
    return {email_id: patch for email_id, patch in patches.items() if patch is not None}


def _refile(
    email: Email, decision: Decision, places: Places, categories: Categories
) -> Patch | None:
    """A mail whose label is gone is like the contact's other mail."""
    target = target_of(decision.category, categories, places)
    labels = email.mailbox_ids & places.labels.keys()
    if not labels:
        return file_swept(email, target, places, clean=not decision.mismatched)
    (before,) = (each.labels for each in decision.contact.tapped if each.email.id == email.id)
    if labels != before:
        return None
    return file_labelled(email, target, places, warn=email.id in decision.mismatched)
