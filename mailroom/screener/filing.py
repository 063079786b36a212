"""Where a mail goes: from its mailboxes and a decision to one atomic patch. Pure.

Every patch that takes a mailbox away also sets one to true: somebody else may have taken the mail
out of the rest a moment ago, and a patch that removes a mail's last mailbox destroys the mail on
some servers.
"""

from collections.abc import Collection
from dataclasses import dataclass

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.categories import Categories, Category
from mailroom.screener.keywords import FORGED, JUNK, NOT_JUNK, without
from mailroom.screener.places import Places


@dataclass(frozen=True, slots=True)
class Target:
    """Where a decision sends mail: the destinations of a whole chain, or the Screener."""

    destinations: frozenset[str]
    add_to_inbox: bool


def target_of(category: Category | None, categories: Categories, places: Places) -> Target:
    """The target of a category; None is the way back to the Screener."""
    if category is None:
        return Target(frozenset({places.screener}), add_to_inbox=False)
    chain = categories.chain(category)
    return Target(
        frozenset(places.destinations[each.name] for each in chain), category.add_to_inbox
    )


def file_swept(email: Email, target: Target, places: Places, *, clean: bool) -> Patch | None:
    """File a mail of a decided sender that bears no label; None: leave it as it is.

    One whose From is forged is left where it waits: it is not of that sender.

    Args:
        email: the mail.
        target: where the sender belongs.
        places: which mailbox is which.
        clean: there was no name mismatch, so an old warning comes off.
    """
    if FORGED in email.keywords:
        return None
    before = email.mailbox_ids
    after = before - {places.error}
    if clean and places.warning is not None:
        after -= {places.warning}
    left_alone = places.trash | places.drafts | places.sent | places.junk
    if before & places.managed and not before & left_alone:
        after = _filed(after, target, places, waiting=places.screener in before)
    return patch(before, after, fallback=places.inbox)


def file_labelled(email: Email, target: Target, places: Places, *, warn: bool) -> Patch:
    """File a labelled mail, wherever it lies, and take its labels off.

    In Trash, Drafts or Sent it only loses them. Mail that waits in the Junk folder, or was *moved*
    into the label by an app that knows only folders, waited like mail in the Screener. A forged one
    is like any other from now on. Mail that was junk is none any more: mail apps and spam filters
    go by the keywords as well as by the mailbox.
    """
    before = email.mailbox_ids
    after = before - places.marks
    keywords: dict[str, bool | None] = {**without(email.keywords, FORGED)}
    if not before & (places.trash | places.drafts | places.sent):
        if before & places.junk or JUNK in email.keywords:
            keywords |= {**without(email.keywords, JUNK), f"keywords/{NOT_JUNK}": True}
        waiting = places.screener in before or bool(before & places.junk) or not after
        after = _filed(after - places.junk, target, places, waiting=waiting)
        if warn and places.warning is not None:
            after |= {places.warning}
    moved = patch(before, after, fallback=places.inbox) or {}
    return {**moved, **keywords}


def _filed(
    mailboxes: frozenset[str], target: Target, places: Places, *, waiting: bool
) -> frozenset[str]:
    after = (mailboxes - places.managed) | target.destinations
    if not target.add_to_inbox:
        return after - {places.inbox}
    return after | {places.inbox} if waiting else after


def take_off(email: Email, marks: Collection[str], *, fallback: str) -> Patch | None:
    """Take labels off and do nothing else; a mail that is nowhere else goes to ``fallback``.

    That happens with apps that move mail into a label instead of adding it.
    """
    return patch(email.mailbox_ids, email.mailbox_ids - frozenset(marks), fallback=fallback)


def put_on(email: Email, mark: str) -> Patch | None:
    """Add one label; None if it is there."""
    return patch(email.mailbox_ids, email.mailbox_ids | {mark}, fallback=mark)


def patch(before: frozenset[str], after: frozenset[str], *, fallback: str) -> Patch | None:
    """The patch (RFC 8620 section 5.3) that turns one set of mailboxes into another, or None.

    ``fallback`` is where the mail goes if it would be nowhere.
    """
    if before == after:
        return None
    after = after or frozenset({fallback})
    added = after - before or {min(after)}
    changes: dict[str, bool | None] = {f"mailboxIds/{each}": True for each in sorted(added)}
    changes |= {f"mailboxIds/{each}": None for each in sorted(before - after)}
    return changes
