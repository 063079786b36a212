"""Labelled mail, sorted by the work that it requires. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from mailroom.jmap.mail import Email
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import Sender, UnusableFromError, is_own, sender_of


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """A mail with triage labels whose sender is known."""

    email: Email
    sender: Sender
    labels: frozenset[str]


@dataclass(slots=True)
class SortedMail:
    """The mails with a triage label or the error label, sorted.

    Attributes:
        senders: sender key -> the labelled mails of that sender.
        own: the user's own mails, which only lose their labels.
        unusable: labelled mails whose From names no sender or several, with the reason.
        leftovers: mails with the error label that have no triage label any more.
    """

    senders: dict[str, list[LabelledMail]] = field(default_factory=lambda: defaultdict(list))
    own: list[Email] = field(default_factory=list)
    unusable: list[tuple[Email, str]] = field(default_factory=list)
    leftovers: list[Email] = field(default_factory=list)


def sort_mail(emails: Iterable[Email], places: Places, identities: Collection[str]) -> SortedMail:
    """Sort mails that have a triage label or the error label.

    Mail in Sent or Drafts is the user's own, whatever its From. It may be labelled because an app
    that labels a conversation labels the user's replies as well.
    """
    result = SortedMail()
    for email in emails:
        labels = email.mailbox_ids & places.labels.keys()
        if not labels:
            result.leftovers.append(email)
            continue
        if email.mailbox_ids & (places.sent | places.drafts):
            result.own.append(email)
            continue
        try:
            sender = sender_of(email)
        except UnusableFromError as error:
            result.unusable.append((email, str(error)))
            continue
        if is_own(sender.address, identities):
            result.own.append(email)
        else:
            result.senders[sender.key].append(LabelledMail(email, sender, labels))
    return result
