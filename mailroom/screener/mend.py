"""Putting right what an update did to mail that its owner moved meanwhile. Pure.

Some servers carry out an update in any state of the account, whatever state was asked for. A mail
that its owner had just moved is then in two places: where the owner put it, and where Mailroom did.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.filing import patch as patch_from_to

Replan = Callable[[Collection[Email]], Mapping[str, Patch]]
"""From mails as they are to patches by id."""

_MAILBOXES: Final = "mailboxIds/"


def mend(
    before: Mapping[str, Email], patches: Mapping[str, Patch], now: Iterable[Email], again: Replan
) -> dict[str, Patch]:
    """Patches that put mail where its owner moved it, as far as can be told.

    A mail is looked at as if it had never been patched, and planned anew from there. A mailbox that
    the patch removed is taken for one that the owner took the mail out of as well.

    Args:
        before: the mails as they were planned for, by id.
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
    """The mailboxes that the owner put a mail into; None if it is where the patch has put it."""
    if now.mailbox_ids == patched(before.mailbox_ids, patch):
        return None
    # A patch that removes a mailbox also sets one that stays, so that the mail is never nowhere.
    # Its owner may just have taken the mail out of that one.
    return (now.mailbox_ids - patched(frozenset(), patch)) or None


def _turned(email: Email, seen: Email, patch: Patch) -> Patch:
    """The patch from where a mail is to where it belongs, seen where its owner put it."""
    wanted = patched(seen.mailbox_ids, patch)
    moved = patch_from_to(email.mailbox_ids, wanted, fallback=min(email.mailbox_ids)) or {}
    others = {name: value for name, value in patch.items() if not _is_of_mailboxes(name)}
    return {**moved, **others}


def _is_of_mailboxes(name: str) -> bool:
    return f"{name}/".startswith(_MAILBOXES)


def patched(mailbox_ids: frozenset[str], patch: Patch) -> frozenset[str]:
    """The mailboxes of a mail after a patch, which may name them all at once."""
    if (whole := patch.get(_MAILBOXES.rstrip("/"))) is not None:
        return frozenset(whole)
    named = {
        name.removeprefix(_MAILBOXES): value
        for name, value in patch.items()
        if name.startswith(_MAILBOXES)
    }
    added = {each for each, value in named.items() if value}
    return (mailbox_ids | added) - (named.keys() - added)
