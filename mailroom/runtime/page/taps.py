"""Labels on waiting mail by which the page decides, like a person in a mail app. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mailroom.jmap.mail import Patch
from mailroom.runtime.page.rows import scopes_of
from mailroom.screener.model.categories import Answer
from mailroom.screener.model.keywords import DECIDED_BY_BUTTON, SEEN
from mailroom.screener.model.places import Places
from mailroom.screener.model.subject import Subject
from mailroom.screener.overview.waiting import WaitingSubject, WaitReason
from mailroom.web.model import Choice, Scope


@dataclass(frozen=True, slots=True)
class Tap:
    """Labels to be put on the newest mail of a waiting subject.

    Attributes:
        subject: the subject that the labels decide on.
        answer: the answer.
        email_id: the mail that the labels are put on.
        patches: mail id -> patch: the labels for the newest mail, the keyword that marks each
            waiting mail as read if the choice asks for it, and the keyword that marks the mail of a
            notice whose button was pressed.
        is_possible: False if the label of the answer is missing.
    """

    subject: Subject
    answer: Answer
    email_id: str
    patches: Mapping[str, Patch]
    is_possible: bool = True


def tap_of(
    choice: Choice, answer: Answer, waiting: WaitingSubject | None, places: Places
) -> Tap | None:
    """Return the tap for a choice; None if labels on waiting mail cannot express the choice.

    Args:
        choice: the choice.
        answer: the answer that the choice names.
        waiting: the waiting subject of the choice; None if no mail of the subject waits.
        places: the ids of the mailboxes.
    """
    if waiting is None or waiting.subject is None:
        return None
    subject = waiting.subject
    if choice.scope is not Scope.SUBJECT:
        other = scopes_of(waiting).get(choice.scope)
        if other is None:
            return None
        subject = other
    labels = places.labels_for(subject, answer)
    patches: dict[str, dict[str, bool]] = {waiting.newest_id: {}}
    if choice.mark_read:
        patches = {email_id: {f"keywords/{SEEN}": True} for email_id in waiting.ids}
    patches[waiting.newest_id] |= {f"mailboxIds/{label}": True for label in sorted(labels)}
    if choice.is_by_notice:
        patches.setdefault(choice.mail_id, {})[f"keywords/{DECIDED_BY_BUTTON}"] = True
    return Tap(subject, answer, waiting.newest_id, patches, is_possible=bool(labels))


def find_waiting(choice: Choice, subjects: Iterable[WaitingSubject]) -> WaitingSubject | None:
    """Return the waiting subject that a choice names; None if there is none.

    Genuine mail and forged mail from one address are two subjects with the same name. The mail of
    the choice shows which of them is meant. If this mail waits no more, the genuine one is meant.
    """
    named = [waiting for waiting in subjects if str(waiting.subject or "") == choice.who]
    with_mail = [waiting for waiting in named if choice.mail_id in waiting.ids]
    genuine = [waiting for waiting in named if waiting.reason is not WaitReason.FORGED]
    return next(iter(with_mail or genuine), None) if choice.who else None
