"""New patches for the mail of a plan, after somebody may have changed the mail. Pure.

The decisions stay. The patch of a mail depends on its mailboxes, so the patches are planned anew. A
mail that has another label now is left to the next pass.
"""

from collections.abc import Collection, Iterable

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import Categories
from mailroom.screener.model.patches import file_labelled, file_swept, target_of
from mailroom.screener.model.places import Places
from mailroom.screener.passes.plan import (
    BySender,
    Filing,
    Plan,
    patch_labels,
    plan_filing,
    stuck_of,
)
from mailroom.screener.triage.decide import Decision


def file_late(
    plan: Plan, filings: Iterable[Filing], came: Iterable[Email], categories: Categories
) -> list[Filing]:
    """Plan the filing of mail that came from decided senders after their mail was searched for.

    Args:
        plan: the plan.
        filings: the decisions that have not failed.
        came: mails of any senders.
        categories: all categories, for the chain.
    """
    mails_of, places = BySender(came, plan.decided.stand_in), plan.gathered.places
    return [plan_filing(each.decision, mails_of, places, categories) for each in filings]


def refile_unlabelled(
    plan: Plan, filings: Iterable[Filing], emails: Collection[Email], categories: Categories
) -> dict[str, Patch]:
    """Plan the mails of :attr:`Plan.label_patches` and :attr:`Filing.swept` anew.

    ``emails`` are these mails as they are now; the other arguments as in :func:`file_late`.
    """
    swept = [each for each in emails if each.id not in plan.label_patches]
    patches = _repatch_labels(plan, [each for each in emails if each.id in plan.label_patches])
    for filing in file_late(plan, filings, swept, categories):
        patches |= filing.swept
    return patches


def _repatch_labels(plan: Plan, emails: Iterable[Email]) -> dict[str, Patch]:
    """Plan the label patches of mails anew, if their labels are the same as before."""
    labels = plan.gathered.places.labels.keys()
    before = {each.id: each.mailbox_ids & labels for each in plan.gathered.emails}
    same = [each for each in emails if each.mailbox_ids & labels == before[each.id]]
    own = {each.id for each in plan.own}
    stuck = {each.id for each in stuck_of(plan.conflicts, plan.unusable, plan.refused)}
    return patch_labels(
        leftovers=[each for each in same if each.id not in own | stuck],
        own=[each for each in same if each.id in own],
        stuck=[each for each in same if each.id in stuck],
        places=plan.gathered.places,
    )


def refile_labelled(
    plan: Plan, filings: Iterable[Filing], emails: Iterable[Email], categories: Categories
) -> dict[str, Patch]:
    """Plan the mails of :attr:`Filing.labelled` anew; see :func:`refile_unlabelled`."""
    decisions = {each: filing.decision for filing in filings for each in filing.labelled}
    patches = {
        each.id: _refile(each, decisions[each.id], plan.gathered.places, categories)
        for each in emails
        if each.id in decisions
    }
    return {email_id: patch for email_id, patch in patches.items() if patch is not None}


def _refile(
    email: Email, decision: Decision, places: Places, categories: Categories
) -> Patch | None:
    """Plan a mail anew; if its label is gone, like the contact's other mail."""
    target = target_of(decision.category, categories, places)
    labels = email.mailbox_ids & places.labels.keys()
    if not labels:
        return file_swept(email, target, places, clean=not decision.mismatched)
    (before,) = (each.labels for each in decision.contact.labelled if each.email.id == email.id)
    if labels != before:
        return None
    return file_labelled(email, target, places, warn=email.id in decision.mismatched)
