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

_MAILBOXES: Final = "mailboxIds"


def mend(
    as_read: Mapping[str, Email],
    patches: Mapping[str, Patch],
    current: Iterable[Email],
    replan: Replan,
) -> dict[str, Patch]:
    """Return the patches that put mail where its owner moved it.

    The owner chose the mailboxes in which the mail is now and which the patch did not set. The mail
    is planned anew as if it were in these only. A mailbox that the patch removed stays removed,
    because nobody knows if the owner wanted to keep the mail in this mailbox.

    Args:
        as_read: the mails from which the patches were planned, by id.
        patches: the patches that were carried out, by mail id.
        current: the mails as they are after the patches.
        replan: plans mails anew.
    """
    moved: dict[str, Email] = {}
    by_owner: dict[str, Email] = {}
    for email in current:
        patch = patches[email.id]
        if email.mailbox_ids == patched(as_read[email.id].mailbox_ids, patch):
            continue  # nobody else moved the mail
        # The owner may have removed the mail from a mailbox, and the patch may have set the same
        # mailbox a moment later. If the mail is now only in mailboxes that the patch set, nobody
        # knows where the owner wanted the mail, and the mail is not changed.
        if put_by_owner := email.mailbox_ids - patched(frozenset(), patch):
            moved[email.id] = email
            by_owner[email.id] = replace(email, mailbox_ids=put_by_owner)
    planned = replan(by_owner.values())
    mended: dict[str, Patch] = {}
    for email_id, email in moved.items():
        patch = planned.get(email_id, {})
        wanted = patched(by_owner[email_id].mailbox_ids, patch)
        # The fallback is a mailbox that the mail is in already.
        mailboxes = patch_mailboxes(email.mailbox_ids, wanted, fallback=min(email.mailbox_ids))
        keywords = {
            path: value for path, value in patch.items() if path.partition("/")[0] != _MAILBOXES
        }
        if mailboxes or keywords:
            mended[email_id] = {**(mailboxes or {}), **keywords}
    return mended


def patched(mailbox_ids: frozenset[str], patch: Patch) -> frozenset[str]:
    """Return the mailboxes of a mail after a patch: ``{"mailboxIds/m1": True}`` adds ``m1``.

    A patch of the whole property (``{"mailboxIds": {"m1": True}}``) replaces all mailboxes.
    """
    if (whole := patch.get(_MAILBOXES)) is not None:
        return frozenset(whole)
    prefix = f"{_MAILBOXES}/"
    changed = {
        path.removeprefix(prefix): value for path, value in patch.items() if path.startswith(prefix)
    }
    added = {mailbox_id for mailbox_id, value in changed.items() if value}
    return (mailbox_ids | added) - (changed.keys() - added)
