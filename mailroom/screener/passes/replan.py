"""New patches for the mail of a plan, after somebody may have changed the mail. Pure.

The decisions stay. The patch of a mail depends on its mailboxes, so the patches are planned anew. A
mail that has another label now is left to the next pass.
"""

from collections.abc import Collection, Iterable

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import Categories
from mailroom.screener.model.patches import file_labelled, file_swept, target_of
from mailroom.screener.passes.plan import (
    Filing,
    MailsByKey,
    Plan,
    has_triage_label,
    patch_labels,
    plan_filing,
    unfiled_mail,
)


def plan_filings(
    plan: Plan, filings: Iterable[Filing], emails: Iterable[Email], categories: Categories
) -> list[Filing]:
    """Plan the filing of further mail of decided senders: mail that came late, or was read again.

    Args:
        plan: the plan.
        filings: the filings whose decisions have not failed.
        emails: mails of any senders; only mails of the decided senders are filed.
        categories: all categories, for the chain.
    """
    by_subject, places = MailsByKey(emails, plan.decisions.subject_key_for), plan.gathered.places
    return [plan_filing(filing.decision, by_subject, places, categories) for filing in filings]


def replan_subject_labels(plan: Plan, emails: Iterable[Email]) -> dict[str, Patch]:
    """Return the patches of :attr:`Plan.subject_labels`, for mails whose labels did not change.

    ``emails`` are the mails as they are now.
    """
    labels = plan.gathered.places.tap_labels
    return {
        email.id: plan.subject_labels[email.id]
        for email in emails
        if email.mailbox_ids & labels == plan.emails[email.id].mailbox_ids & labels
    }


def replan_other_patches(
    plan: Plan, filings: Iterable[Filing], emails: Collection[Email], categories: Categories
) -> dict[str, Patch]:
    """Plan the patches of :attr:`Plan.label_only_patches` and :attr:`Filing.swept_patches` anew.

    ``emails`` are these mails as they are now; the other arguments are as in :func:`plan_filings`.
    """
    labels = plan.gathered.places.tap_labels
    labels_as_read = {email.id: email.mailbox_ids & labels for email in plan.gathered.emails}
    swept = [email for email in emails if email.id not in plan.label_only_patches]
    with_same_labels = [
        email
        for email in emails
        if email.id in plan.label_only_patches
        and email.mailbox_ids & labels == labels_as_read[email.id]
    ]
    own = {email.id for email in plan.own}
    unfiled = {email.id for email in unfiled_mail(plan.conflicts, plan.unusable, plan.skipped)}
    patches = patch_labels(
        leftovers=[email for email in with_same_labels if email.id not in own | unfiled],
        own=[email for email in with_same_labels if email.id in own],
        unfiled=[email for email in with_same_labels if email.id in unfiled],
        places=plan.gathered.places,
    )
    for filing in plan_filings(plan, filings, swept, categories):
        patches |= filing.swept_patches
    return patches


def replan_labelled_patches(
    plan: Plan, filings: Iterable[Filing], emails: Iterable[Email], categories: Categories
) -> dict[str, Patch]:
    """Plan the patches of :attr:`Filing.labelled_patches` anew.

    The arguments are as in :func:`replan_other_patches`.
    """
    places = plan.gathered.places
    decisions = {
        email_id: filing.decision for filing in filings for email_id in filing.labelled_patches
    }
    patches: dict[str, Patch | None] = {}
    for email in sorted(emails, key=lambda email: has_triage_label(email, places)):
        if (decision := decisions.get(email.id)) is None:
            continue
        target = target_of(decision.answer, categories, places)
        labels = email.mailbox_ids & places.tap_labels
        (tapped,) = (mail for mail in decision.contact.labelled if mail.email.id == email.id)
        if not labels:
            # Somebody took the label off; the mail is now like the contact's other mail.
            patches[email.id] = file_swept(
                email, target, places, remove_warning=not decision.mismatched
            )
        elif labels == tapped.email.mailbox_ids & places.tap_labels:
            warn = email.id in decision.mismatched
            patches[email.id] = file_labelled(email, target, places, warn=warn)
    return {email_id: patch for email_id, patch in patches.items() if patch is not None}
