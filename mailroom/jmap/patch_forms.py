"""Other forms of a mail's patch, for servers that refuse the usual one. Pure.

The usual form changes single mailboxes and keywords (RFC 8620 section 5.3). Some servers refuse it,
because they take a path that ends in a mailbox id of digits only for an index into an array, or
because a mailbox has no room for another keyword.
"""

from collections.abc import Collection, Mapping
from typing import Final

from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Patch
from mailroom.jmap.methods import SetResponse

_MAILBOX: Final = "mailboxIds/"
_KEYWORD: Final = "keywords/"
_WRONG_FORM: Final = frozenset({"invalidProperties", "invalidPatch"})
_NO_ROOM: Final = "tooManyKeywords"


def without_new_keywords(patch: Patch, error: SetError) -> Patch | None:
    """Return the patch without the keywords that it adds, if the keywords were refused.

    None if the patch was refused for another reason, or if nothing else is in the patch.
    """
    if error.type != _NO_ROOM:
        return None
    rest = {
        path: value
        for path, value in patch.items()
        if not path.startswith(_KEYWORD) or value is None
    }
    return rest if rest and len(rest) < len(patch) else None


def needs_whole_map(patch: Patch, error: SetError) -> bool:
    """Return True if a patch was refused for its form, and names mailboxes one by one."""
    return error.type in _WRONG_FORM and any(path.startswith(_MAILBOX) for path in patch)


def with_whole_map(patch: Patch, mailbox_ids: Collection[str]) -> Patch:
    """Return the patch with all of a mail's mailboxes in place of the single changes.

    Args:
        patch: the patch; it leaves the mail in at least one mailbox.
        mailbox_ids: the mail's mailboxes; the result is valid only while the mail is in these.
    """
    after = set(mailbox_ids)
    rest = dict[str, object]()
    for path, value in patch.items():
        if path.startswith(_MAILBOX):
            (after.discard if value is None else after.add)(path.removeprefix(_MAILBOX))
        else:
            rest[path] = value
    return {"mailboxIds": dict.fromkeys(sorted(after), True), **rest}


def was_moved(patch: Patch, mailbox_ids: Collection[str]) -> bool:
    """Return True if a mail has already left a mailbox from which the patch removes the mail."""
    removed = {
        path.removeprefix(_MAILBOX)
        for path, value in patch.items()
        if path.startswith(_MAILBOX) and value is None
    }
    return not removed <= set(mailbox_ids)


def without_others(
    asked: Mapping[str, Patch], response: SetResponse, others: Collection[str]
) -> tuple[Mapping[str, Patch], SetResponse]:
    """Return the patches and their result without those of some mails.

    Args:
        asked: the patches that were sent, by mail id.
        response: the server's answer to them.
        others: the ids of the mails to leave out, because they are patched in another form.
    """
    failed = {email_id: why for email_id, why in response.failed.items() if email_id not in others}
    kept = {email_id: patch for email_id, patch in asked.items() if email_id not in others}
    return kept, SetResponse(response.old_state, response.new_state, failed)
