"""Labelled mail, sorted by the work that it requires, and the subjects that its labels decide on.

Pure. A label decides on the sender, unless one of these holds, in this order:

- ``@ThisList`` is on a mail of the sender and the list: the label decides on the mailing list.
- ``@WholeDomain`` is on a mail of the sender: it decides on everybody at the sender's domain.
- The label is a category's, and the mail is of a list that many people write to, or of a list that
  is decided on: it decides on the list.
- The label takes a decision back: it takes back the decision that holds for the mail.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailroom.contacts.address import list_key, whole_domain
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import Category, Special
from mailroom.screener.model.lists import is_discussion, list_id
from mailroom.screener.model.patches import add_label
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import Sender, UnusableFromError, is_own, sender_of
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.triage.standing import Decisions

_NO_LIST = "the mail has no List-Id, so there is no mailing list to decide on"
_TWO_SUBJECTS = "the mail has both the label for a whole domain and that for a mailing list"
_NO_JUNK = "the account has no mailbox with the role junk, where spam could go"


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """A mail with labels, whose sender is known.

    Attributes:
        email: the mail; with the label of :attr:`SortedMail.widening`, if it gets one.
        sender: its sender.
        labels: the triage labels whose answers count: those on the mail, or without any on it, the
            label of the decision that a label like ``@WholeDomain`` widens.
        subject: the subject that the labels decide on.
    """

    email: Email
    sender: Sender
    labels: frozenset[str]
    subject: Subject


@dataclass(slots=True)
class SortedMail:
    """The mails with a label that people tap, or with the error label, sorted.

    Attributes:
        subjects: the key of a subject -> the labelled mails that decide on it.
        companions: the key of a whole domain -> the senders of the labelled mails that have a card
            of their own. A card of its own counts more than the domain's, so the decision is made
            on these senders as well.
        own: the user's own mails, which only lose their labels.
        unusable: labelled mails that decide on nothing, with the reason.
        leftovers: mails with the error label, but without a label that can be acted on now.
        widening: mail id -> the patch that adds the label which says the subject, where only the
            address book says it now. The label is put on before the address book is changed, so
            that a pass that is cut short is repeated with the same subject.
    """

    subjects: dict[str, list[LabelledMail]] = field(default_factory=lambda: defaultdict(list))
    companions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    own: list[Email] = field(default_factory=list)
    unusable: list[tuple[Email, str]] = field(default_factory=list)
    leftovers: list[Email] = field(default_factory=list)
    widening: dict[str, Patch] = field(default_factory=dict)


class MailSorter:
    """Sorts labelled mail.

    Args:
        places: the ids of the mailboxes.
        identities: the user's own addresses.
        decisions: the decisions of the address book.
        refusal_of_domain: returns the reason why nobody may decide on a whole domain, or "".
    """

    def __init__(
        self,
        places: Places,
        identities: Collection[str],
        decisions: Decisions,
        refusal_of_domain: Callable[[str], str],
    ) -> None:
        self._places = places
        self._identities = identities
        self._decisions = decisions
        self._refusal_of_domain = refusal_of_domain

    def sort(self, emails: Iterable[Email]) -> SortedMail:
        """Sort mails that have a label that people tap, or the error label.

        Mail in Sent or Drafts is the user's own, whatever its From. It may be labelled because an
        app that labels a conversation labels the user's replies as well.
        """
        result, places = SortedMail(), self._places
        by_sender = defaultdict[str, list[tuple[Email, Sender]]](list)
        for email in emails:
            if not email.mailbox_ids & places.tapped:
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
            if is_own(sender.address, self._identities):
                result.own.append(email)
            else:
                by_sender[sender.key].append((email, sender))
        waiting = dict[str, tuple[Email, Sender, Subject]]()
        for mails in by_sender.values():
            self._sort_mail_of_sender(mails, result, waiting)
        self._widen(waiting, result)
        return result

    def _sort_mail_of_sender(
        self,
        mails: Sequence[tuple[Email, Sender]],
        result: SortedMail,
        waiting: dict[str, tuple[Email, Sender, Subject]],
    ) -> None:
        """Find the subject of each mail; labels on one mail of a sender hold for all of them."""
        places = self._places
        labels = frozenset[str]().union(*(self._labels(email) for email, _ in mails))
        lists = {
            list_id(email.list_id) for email, _ in mails if places.list_label in email.mailbox_ids
        }
        is_whole_domain = any(places.domain_label in email.mailbox_ids for email, _ in mails)
        by_subject = defaultdict[str, list[tuple[Email, Sender]]](list)
        for email_as_read, sender in mails:
            email = email_as_read
            if reason := self._mistake(email, sender):
                result.unusable.append((email, reason))
                continue
            identifier, domain = list_id(email.list_id), whole_domain(sender.key)
            if identifier and identifier in lists:
                subject = list_key(identifier)
            elif is_whole_domain and not self._refusal_of_domain(domain.removeprefix("*@")):
                subject = domain
            elif labels == self._undo:
                subject = self._decided_subject(email, sender)
                if subject != sender.key:
                    label = places.domain_label if subject == domain else places.list_label
                    result.widening[email.id] = add_label(email, label) or {}
                    email = replace(email, mailbox_ids=email.mailbox_ids | {label})
            else:
                subject = self._subject_of_answer(email, sender)
            by_subject[subject].append((email, sender))
        for key, mails_of_subject in by_subject.items():
            labels = frozenset[str]().union(*(self._labels(email) for email, _ in mails_of_subject))
            for email, sender in mails_of_subject:
                if counting := self._labels(email) or labels:
                    self._add(LabelledMail(email, sender, counting, Subject(key)), result)
                else:
                    waiting[email.id] = (email, sender, Subject(key))

    @property
    def _undo(self) -> frozenset[str]:
        return frozenset(label for label, answer in self._places.labels.items() if answer is None)

    def _labels(self, email: Email) -> frozenset[str]:
        return email.mailbox_ids & self._places.labels.keys()

    def _mistake(self, email: Email, sender: Sender) -> str:
        """Return the reason why a mail's labels cannot be acted on; "" if they can be."""
        places = self._places
        answers = [places.labels[label] for label in self._labels(email)]
        if Special.SPAM in answers and not places.junk:
            return _NO_JUNK
        for_domain = places.domain_label in email.mailbox_ids
        if places.list_label in email.mailbox_ids:
            if for_domain:
                return _TWO_SUBJECTS
            return "" if list_id(email.list_id) else _NO_LIST
        return self._refusal_of_domain(sender.key.rpartition("@")[2]) if for_domain else ""

    def _decided_subject(self, email: Email, sender: Sender) -> str:
        """Return the subject whose decision is to be taken back; without one, the sender."""
        subject = self._decisions.subject_for(email)
        return subject if self._decisions.categories_for(subject) else sender.key

    def _subject_of_answer(self, email: Email, sender: Sender) -> str:
        """Return the subject of a label that stands alone, and does not only take back."""
        identifier = list_id(email.list_id)
        answers = [self._places.labels[label] for label in self._labels(email)]
        is_category = any(isinstance(answer, Category) for answer in answers)
        if not identifier or not is_category or self._decisions.denies(sender.key):
            return sender.key
        key = list_key(identifier)
        is_list = is_discussion(email, sender) or bool(self._decisions.categories_for(key))
        return key if is_list else sender.key

    def _add(self, mail: LabelledMail, result: SortedMail) -> None:
        result.subjects[mail.subject.key].append(mail)
        sender = mail.sender.key
        if mail.subject.kind is Kind.DOMAIN and self._decisions.standing.has_card(sender):
            result.companions[mail.subject.key].add(sender)

    def _widen(
        self, waiting: Mapping[str, tuple[Email, Sender, Subject]], result: SortedMail
    ) -> None:
        """Add the mails that have only a label that widens a decision, if there is a decision.

        Without one, such a label waits. A decision of this pass counts as well.
        """
        labels_of_pass = {
            key: frozenset[str]().union(*(mail.labels for mail in mails))
            for key, mails in result.subjects.items()
        }
        of_pass = {
            key: self._places.labels[min(labels)]
            for key, labels in labels_of_pass.items()
            if len(labels) == 1
        }
        decisions = replace(self._decisions, of_pass=of_pass)
        for email, sender, subject in waiting.values():
            categories = decisions.categories_for(decisions.subject_for(email))
            labels = frozenset(
                label for label, answer in self._places.labels.items() if answer in categories
            )
            if labels:
                self._add(LabelledMail(email, sender, labels, subject), result)
            elif self._places.error in email.mailbox_ids:
                result.leftovers.append(email)
