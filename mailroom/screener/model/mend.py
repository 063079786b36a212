"""Corrections of updates of mail that its owner moved meanwhile. Pure.

Some servers ignore ``ifInState``, and carry out an update in any state. A mail that its owner had
just moved is then in two mailboxes: the one that the owner chose, and the one that Mailroom chose.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.patches import patch_mailboxes

Replan = Callable[[Collection[Email]], Mapping[str, Patch]]
"""A function that plans mails anew: from mails as they are to patches by mail id."""

_MAILBOXES: Final = "mailboxIds/"


def mend(
    before: Mapping[str, Email], patches: Mapping[str, Patch], now: Iterable[Email], again: Replan
) -> dict[str, Patch]:
    """Return the patches that put mail where its owner moved it, as far as this is known.

    A mail is planned anew as if it had never been patched. A mailbox that the patch removed counts
    as one that the owner removed the mail from as well.

    Args:
        before: the mails from which the patches were planned, by id.
        patches: the patches that were carried out, by mail id.
        now: the mails as they are.
        again: plans mails anew.
    """
    moved = {
        email.id: (email, replace(email, mailbox_ids=put_by_owner))
        for email in now
        if (put_by_owner := _put_by_owner(before[email.id], patches[email.id], email))
    }
    planned = again([seen for _, seen in moved.values()])
    mended = {
        email.id: _turned(email, seen, planned.get(email.id, {})) for email, seen in moved.values()
    }
    return {email_id: patch for email_id, patch in mended.items() if patch}


def _put_by_owner(before: Email, patch: Patch, now: Email) -> frozenset[str] | None:
    """Return the mailboxes that the owner put a mail into; None if the owner did not move it."""
    if now.mailbox_ids == patched(before.mailbox_ids, patch):
        return None
    # A patch that removes a mailbox also sets one that stays, so that the mail always has one.
    # Its owner may just have removed the mail from the one that stays.
    return (now.mailbox_ids - patched(frozenset(), patch)) or None


def _turned(email: Email, seen: Email, patch: Patch) -> Patch:
    """Return the patch from a mail's present mailboxes to those that ``patch`` makes of ``seen``.

    ``seen`` is the mail as its owner put it.
    """
    wanted = patched(seen.mailbox_ids, patch)
    moved = patch_mailboxes(email.mailbox_ids, wanted, fallback=min(email.mailbox_ids)) or {}
    others = {name: value for name, value in patch.items() if not _is_of_mailboxes(name)}
    return {**moved, **others}


def _is_of_mailboxes(name: str) -> bool:
    return f"{name}/".startswith(_MAILBOXES)


def patched(mailbox_ids: frozenset[str], patch: Patch) -> frozenset[str]:
    """Return the mailboxes of a mail after a patch, which may replace the whole map."""
    if (whole := patch.get(_MAILBOXES.rstrip("/"))) is not None:
        return frozenset(whole)
    named = {
        name.removeprefix(_MAILBOXES): value
        for name, value in patch.items()
        if name.startswith(_MAILBOXES)
    }
    added = {each for each, value in named.items() if value}
    return (mailbox_ids | added) - (named.keys() - added)
