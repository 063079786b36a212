"""The atomic patch that files a mail, from its mailboxes and a decision. Pure.

Every patch that removes a mailbox also sets one to true: somebody else may have removed the mail
from its other mailboxes a moment ago, and a patch that removes a mail's last mailbox destroys the
mail on some servers.
"""

from collections.abc import Collection
from dataclasses import dataclass

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.model.keywords import FORGED, JUNK, NOT_JUNK, removal_of
from mailroom.screener.model.places import Places


@dataclass(frozen=True, slots=True)
class Target:
    """The mailboxes that a decision files mail to: those of a whole chain, or the Screener."""

    destinations: frozenset[str]
    add_to_inbox: bool


def target_of(category: Category | None, categories: Categories, places: Places) -> Target:
    """Return the target of a category; None means back to the Screener."""
    if category is None:
        return Target(frozenset({places.screener}), add_to_inbox=False)
    chain = categories.chain(category)
    return Target(
        frozenset(places.destinations[link.name] for link in chain), category.add_to_inbox
    )


def file_swept(
    email: Email, target: Target, places: Places, *, remove_warning: bool
) -> Patch | None:
    """Return the patch for a mail of a decided sender without a label; None: leave the mail.

    A mail whose From is forged is left, because it is not from that sender.

    Args:
        email: the mail.
        target: the target of the sender's mail.
        places: the ids of the mailboxes.
        remove_warning: True to remove an old warning label, because no name mismatched.
    """
    if FORGED in email.keywords:
        return None
    before = email.mailbox_ids
    # The decision is carried out now, so an error label of an earlier pass is out of date.
    after = before - {places.error}
    if remove_warning and places.warning is not None:
        after -= {places.warning}
    left_alone = places.trash | places.drafts | places.sent | places.junk
    if before & places.managed and not before & left_alone:
        after = _filed(after, target, places, waiting=places.screener in before)
    return patch_mailboxes(before, after, fallback=places.inbox)


def file_labelled(email: Email, target: Target, places: Places, *, warn: bool) -> Patch:
    """Return the patch that files a labelled mail from any mailbox, and removes its labels.

    Mail in Trash, Drafts or Sent only loses its labels. Mail in the Junk folder, and mail that an
    app *moved* into the label, is filed like mail in the Screener. A forged mail loses the keyword
    for it, and is like any other mail from now on. Junk mail loses the keyword ``$junk`` and gets
    ``$notjunk``, because mail apps and spam filters use keywords as well as mailboxes.
    """
    before = email.mailbox_ids
    after = before - places.all_labels
    keywords: dict[str, bool | None] = {**removal_of(email.keywords, FORGED)}
    if not before & (places.trash | places.drafts | places.sent):
        if before & places.junk or JUNK in email.keywords:
            keywords |= {**removal_of(email.keywords, JUNK), f"keywords/{NOT_JUNK}": True}
        waiting = places.screener in before or bool(before & places.junk) or not after
        after = _filed(after - places.junk, target, places, waiting=waiting)
        if warn and places.warning is not None:
            after |= {places.warning}
    moved = patch_mailboxes(before, after, fallback=places.inbox) or {}
    return {**moved, **keywords}


def _filed(
    mailboxes: frozenset[str], target: Target, places: Places, *, waiting: bool
) -> frozenset[str]:
    """Return the mailboxes of a mail that is filed to a target.

    Only mail that is ``waiting`` for a decision is added to the Inbox. Mail that was filed before
    may have been archived by its owner, and must not come back.
    """
    after = (mailboxes - places.managed) | target.destinations
    if not target.add_to_inbox:
        return after - {places.inbox}
    return after | {places.inbox} if waiting else after


def remove_labels(email: Email, labels: Collection[str], *, fallback: str) -> Patch | None:
    """Return the patch that only removes labels; a mail in no other mailbox goes to ``fallback``.

    A mail is in no other mailbox if an app has moved it into the label.
    """
    return patch_mailboxes(
        email.mailbox_ids, email.mailbox_ids - frozenset(labels), fallback=fallback
    )


def add_label(email: Email, label: str) -> Patch | None:
    """Return the patch that adds a label; None if the mail has the label."""
    # The label is a mailbox itself, so the mail is always in one and the fallback is never used.
    return patch_mailboxes(email.mailbox_ids, email.mailbox_ids | {label}, fallback=label)


def patch_mailboxes(
    before: frozenset[str], after: frozenset[str], *, fallback: str
) -> Patch | None:
    """Return the patch (RFC 8620 section 5.3) from one set of mailboxes to another; None if equal.

    A mail that would be in no mailbox goes to ``fallback``.
    """
    if before == after:
        return None
    after = after or frozenset({fallback})
    added = after - before or {min(after)}
    changes: dict[str, bool | None] = {
        f"mailboxIds/{mailbox_id}": True for mailbox_id in sorted(added)
    }
    changes |= {f"mailboxIds/{mailbox_id}": None for mailbox_id in sorted(before - after)}
    return changes
