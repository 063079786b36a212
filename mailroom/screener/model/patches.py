"""The atomic patch that files a mail, from its mailboxes and a decision. Pure.

Every patch that removes a mailbox also sets another mailbox to true. The reason: somebody else may
have removed the mail from its other mailboxes a moment ago, and on some servers a patch that
removes a mail's last mailbox destroys the mail.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import Answer, Categories, Special
from mailroom.screener.model.keywords import (
    CODE,
    FORGED,
    JUNK,
    NOT_JUNK,
    NOTICE,
    SEEN,
    SPAM,
    WAIVED,
    removal_of,
)
from mailroom.screener.model.missing import MissingRoleError
from mailroom.screener.model.places import Places

_MAILBOX: Final = "mailboxIds/"


@dataclass(frozen=True, slots=True)
class Target:
    """The mailboxes that a decision or a verdict files mail to.

    Attributes:
        destinations: the ids of these mailboxes without the Inbox: the destinations of a whole
            chain, the Screener, or the Junk folder. For forged mail: the Screener and the warning
            label.
        add_to_inbox: True if waiting or new mail is put into the Inbox as well.
        mark_seen: True if mail that enters the destinations is marked as read.
        is_spam: True if mail is filed as spam. Then only the sender's mail that is labelled or in
            the Screener is filed.
    """

    destinations: frozenset[str]
    add_to_inbox: bool
    mark_seen: bool = False
    is_spam: bool = False


def target_of(answer: Answer, categories: Categories, places: Places) -> Target:
    """Return the target of an answer.

    Raises:
        MissingRoleError: the answer is spam, and the account has no mailbox with the role ``junk``.
    """
    if answer is None:
        return Target(frozenset({places.screener}), add_to_inbox=False)
    if answer is Special.SPAM:
        if not places.junk:
            raise MissingRoleError("junk")
        return Target(frozenset({min(places.junk)}), add_to_inbox=False, is_spam=True)
    chain = categories.chain(answer)
    return Target(
        frozenset(places.destinations[link.name] for link in chain),
        answer.add_to_inbox,
        mark_seen=answer.mark_seen,
    )


def file_swept(
    email: Email, target: Target, places: Places, *, remove_warning: bool
) -> Patch | None:
    """Return the patch for an unlabelled mail of a decided sender; None if nothing is to change.

    Mail in a managed mailbox is filed. Mail is filed as spam only if it is in the Screener. Spam
    that Mailroom had put into the Junk folder, and waived mail in the archive, come back from there
    unless the sender's mail is spam.

    All other mail stays where it is, and so does mail in Trash, Drafts or Sent, and mail in Junk
    that somebody else put there. Such mail only loses an old error label, and an old warning label
    if ``remove_warning``. Forged mail does not change at all, because it is not from that sender.

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
    left_alone = places.trash | places.drafts | places.sent
    was_spam = SPAM in email.keywords and bool(before & places.junk)
    was_waived = WAIVED in email.keywords and bool(before & places.archive)
    waits = places.screener in before
    if target.is_spam:
        is_filed = waits and not before & (left_alone | places.junk)
    elif was_spam or was_waived:
        is_filed = not before & left_alone
    else:
        is_filed = bool(before & places.managed) and not before & (left_alone | places.junk)
    if not is_filed:
        return patch_mailboxes(before, after, fallback=places.inbox)
    if was_waived:
        after -= places.archive
    waits = waits or was_spam or was_waived
    after = _filed(after - places.junk, target, places, waiting=waits)
    return _patch(email, after, target, places, is_rescued=was_spam)


def file_labelled(email: Email, target: Target, places: Places, *, warn: bool) -> Patch:
    """Return the patch that files a labelled mail from any mailbox, and removes its labels.

    Mail in Trash, Drafts or Sent only loses its labels. Mail in the Junk folder is filed like mail
    in the Screener, and so is mail that is only in its label because an app *moved* it there. A
    forged mail loses the keyword :data:`FORGED`, and is like any other mail from now on.
    """
    before = email.mailbox_ids
    after = before - places.all_labels
    if before & (places.trash | places.drafts | places.sent):
        moved = patch_mailboxes(before, after, fallback=places.inbox) or {}
        return {**moved, **removal_of(email.keywords, FORGED)}
    if WAIVED in email.keywords:
        after -= places.archive
    waiting = places.screener in before or bool(before & places.junk) or not after
    after = _filed(after - places.junk, target, places, waiting=waiting)
    if warn and places.warning is not None:
        after |= {places.warning}
    is_rescued = bool(before & places.junk) or JUNK in email.keywords
    patch = _patch(email, after, target, places, is_rescued=is_rescued) or {}
    return {**patch, **removal_of(email.keywords, FORGED)}


def _filed(
    mailboxes: frozenset[str], target: Target, places: Places, *, waiting: bool
) -> frozenset[str]:
    """Return the mailboxes of a mail that is filed to a target.

    If the target has ``add_to_inbox``, mail that is ``waiting`` for a decision is added to the
    Inbox. Mail that was filed before is not, because its owner may have archived it. If the target
    lacks ``add_to_inbox``, the mail leaves the Inbox.
    """
    after = (mailboxes - places.managed) | target.destinations
    if not target.add_to_inbox:
        return after - {places.inbox}
    return after | {places.inbox} if waiting else after


def _patch(
    email: Email, after: frozenset[str], target: Target, places: Places, *, is_rescued: bool
) -> Patch | None:
    """Return the patch that files a mail, with the keywords that follow from the move.

    Mail apps and spam filters use the keywords ``$junk`` and ``$notjunk`` as well as mailboxes. So
    mail that ``is_rescued`` from the Junk folder loses ``$junk`` and gets ``$notjunk``.
    """
    keywords: dict[str, bool | None] = {}
    if target.is_spam:
        keywords = {f"keywords/{JUNK}": True, f"keywords/{SPAM}": True}
        keywords |= removal_of(email.keywords, NOT_JUNK)
    else:
        if is_rescued:
            keywords = {f"keywords/{NOT_JUNK}": True, **removal_of(email.keywords, JUNK)}
        # Mail that an app took out of the Junk folder may have the keyword as well.
        keywords |= removal_of(email.keywords, SPAM)
    keywords |= removal_of(email.keywords, WAIVED, CODE, NOTICE)
    if target.mark_seen and SEEN not in email.keywords and target.destinations - email.mailbox_ids:
        keywords[f"keywords/{SEEN}"] = True
    moved = patch_mailboxes(email.mailbox_ids, after, fallback=places.inbox) or {}
    return {**moved, **keywords} or None


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
        f"{_MAILBOX}{mailbox_id}": True for mailbox_id in sorted(added)
    }
    changes |= {f"{_MAILBOX}{mailbox_id}": None for mailbox_id in sorted(before - after)}
    return changes


def moves_mail(patch: Patch, email: Email, places: Places) -> bool:
    """Return True if a patch moves a mail; labels do not count.

    A patch may set a mailbox to true that the mail is in already; see :func:`patch_mailboxes`.
    """
    return any(
        (mailbox_id in email.mailbox_ids) != bool(patch[key])
        for key in patch
        if (mailbox_id := key.removeprefix(_MAILBOX)) != key and mailbox_id not in places.all_labels
    )
