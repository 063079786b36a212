"""Labelled mail, sorted by the work that it requires, and the subjects that its labels decide on.

Pure. A label decides on the sender, unless one of these holds, in this order:

- ``@ThisList`` is on the mail: the label decides on the mail's mailing list.
- ``@WholeDomain`` is on the mail: the label decides on everybody at the sender's domain.
- The label is a category's, and the mail is of a list that many people write to, or of a list that
  is decided on (in the address book, or by a label on other mail): the label decides on the list.
- The label takes a decision back: it takes back the decision that holds for the mail. If another
  label decides on the mail's list or domain in the same pass, the two labels contradict each other.

A pass removes the labels from one mail after the other. If the pass is killed in between, only some
labels are left, and the next pass must find the same subjects for these labels. By the first two
rules, the mail itself shows the subject. By the last two rules, the subject may follow from labels
on other mail, and these may be gone. Then the killed pass has left the subject in the address book,
or as a label that it added to the mail (:attr:`SortedMail.subject_labels`).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from mailroom.contacts.address import list_key, whole_domain
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import Category, Special
from mailroom.screener.model.keywords import DIGEST
from mailroom.screener.model.lists import is_discussion, list_id
from mailroom.screener.model.patches import add_label
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import Sender, UnusableFromError, sender_of
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.triage.standing import Decisions

_NO_LIST = "the mail has no List-Id, so there is no mailing list to decide on"
_TWO_SUBJECTS = "the mail has both the label for a whole domain and that for a mailing list"
_NO_JUNK = "the account has no mailbox with the role junk, where spam could go"


@dataclass(frozen=True, slots=True)
class LabelledMail:
    """A mail with labels, whose sender is known.

    Attributes:
        email: the mail. If :attr:`SortedMail.subject_labels` adds a label to the mail, ``email`` is
            the mail as it will be with that label.
        sender: its sender.
        labels: the triage labels whose answers count. These are the triage labels on the mail. If
            the mail has only ``@ThisList`` or ``@WholeDomain``, these are the labels of the
            categories of the decision that is widened. The mail itself does not have these labels.
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
        mails_by_key: the key of a subject -> the labelled mails that decide on it.
        companions: the key of a whole domain -> the keys of the senders of its labelled mails. The
            decision is made on these senders as well, because a card of their own counts more than
            the domain's.
        own: the user's own mails and Mailroom's digests, which only lose their labels.
        unusable: labelled mails that decide on nothing, with the reason.
        leftovers: mails with the error label and no other label; or with only ``@WholeDomain`` or
            ``@ThisList`` beside it, while there is no decision to widen.
        subject_labels: mail id -> the patch that adds ``@WholeDomain`` or ``@ThisList`` to a mail
            whose label takes back a decision on a domain or a list. Without that label, only the
            address book shows the subject. So the label is put on before the address book is
            changed, and a pass that is cut short is repeated with the same subject.
    """

    mails_by_key: dict[str, list[LabelledMail]] = field(default_factory=lambda: defaultdict(list))
    companions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    own: list[Email] = field(default_factory=list)
    unusable: list[tuple[Email, str]] = field(default_factory=list)
    leftovers: list[Email] = field(default_factory=list)
    subject_labels: dict[str, Patch] = field(default_factory=dict)


class MailSorter:
    """Sorts labelled mail.

    Args:
        places: the ids of the mailboxes.
        decisions: the decisions of the address book.
        objection_to_domain: returns the reason why nobody may decide on a whole domain, or "".
    """

    def __init__(
        self,
        places: Places,
        decisions: Decisions,
        objection_to_domain: Callable[[str], str],
    ) -> None:
        self._places = places
        self._decisions = decisions
        self._objection_to_domain = objection_to_domain

    def sort(self, emails: Iterable[Email]) -> SortedMail:
        """Sort mails that have a label that people tap, or the error label.

        Mail in Sent or Drafts is the user's own, whatever its From. It may be labelled because an
        app that labels a conversation labels the user's replies as well. A digest has no sender
        to decide on, even if the account does not know the address in its From as the user's own.
        """
        result, places = SortedMail(), self._places
        mails = list[LabelledMail]()
        for email in emails:
            if not email.mailbox_ids & places.tap_labels:
                result.leftovers.append(email)
                continue
            is_in_sent = bool(email.mailbox_ids & (places.sent | places.drafts))
            if is_in_sent or DIGEST in email.keywords:
                result.own.append(email)
                continue
            try:
                sender = sender_of(email)
            except UnusableFromError as error:
                result.unusable.append((email, str(error)))
                continue
            labels = email.mailbox_ids & places.labels.keys()
            if sender.key in self._decisions.own:
                result.own.append(email)
            elif reason := self._mistake(email, sender):
                result.unusable.append((email, reason))
            else:
                mails.append(LabelledMail(email, sender, labels, Subject(sender.key)))
        self._add_all(mails, result)
        return result

    def _add_all(self, mails: Iterable[LabelledMail], result: SortedMail) -> None:
        """Add mails to the result, each with the subject that its labels decide on.

        First come the mails whose own labels show the subject. For other mails, the labels of this
        pass count more than the address book: the labels stay until the end of a pass, but a pass
        that was cut short may have changed some decisions in the address book.
        """
        places = self._places
        # Mail with a category's label, with a label that only widens, and with an undo's label.
        of_category, widening, undoing = (list[LabelledMail]() for _ in range(3))
        for mail in mails:
            answers = [places.labels[label] for label in mail.labels]
            is_category = any(isinstance(answer, Category) for answer in answers)
            wider = self._wider_subject(mail, is_category=is_category)
            if not answers:
                widening.append(replace(mail, subject=wider or mail.subject))
            elif wider is not None:
                self._add(replace(mail, subject=wider), result)
            elif is_category:
                of_category.append(mail)
            elif None in answers and len(answers) == 1:
                undoing.append(mail)
            else:
                self._add(mail, result)
        labelled_keys = result.mails_by_key.keys() | {mail.subject.key for mail in widening}
        for mail in of_category:
            key = list_key(list_id(mail.email.list_id))
            is_of_list = key in labelled_keys or self._decisions.categories_for(key)
            self._add(replace(mail, subject=Subject(key)) if is_of_list else mail, result)
        taken_back = {self._decisions.subject_key_for(mail.email) for mail in undoing}
        taken_back |= {mail.subject.key for mail in undoing}
        self._widen(widening, result, taken_back=taken_back)
        for mail in undoing:
            self._add_undo(mail, result)

    def _wider_subject(self, mail: LabelledMail, *, is_category: bool) -> Subject | None:
        """Return the list or the domain that a mail itself shows as its subject; None if none."""
        email = mail.email
        if self._places.domain_label in email.mailbox_ids:
            return Subject(whole_domain(mail.sender.key))
        is_list = self._places.list_label in email.mailbox_ids
        if is_list or (is_category and is_discussion(email, mail.sender)):
            return Subject(list_key(list_id(email.list_id)))
        return None

    def _add_undo(self, mail: LabelledMail, result: SortedMail) -> None:
        """Add a mail whose only label takes back the decision that holds for it."""
        email, domain = mail.email, whole_domain(mail.sender.key)
        wider_keys = [domain, list_key(list_id(email.list_id))]
        labelled_keys = [key for key in wider_keys if key in result.mails_by_key]
        decided = self._decisions.subject_key_for(email)
        # If another label of this pass decides on the domain or the list, the two labels must have
        # the same subject, so that their contradiction is found.
        key = labelled_keys[0] if labelled_keys else decided
        is_wider = key in wider_keys and self._decisions.categories_for(key)
        if not labelled_keys and not is_wider:
            self._add(mail, result)  # the decision on the sender is taken back, if there is one
            return
        label = self._places.domain_label if key == domain else self._places.list_label
        result.subject_labels[email.id] = add_label(email, label) or {}
        email = replace(email, mailbox_ids=email.mailbox_ids | {label})
        self._add(replace(mail, email=email, subject=Subject(key)), result)

    def _mistake(self, email: Email, sender: Sender) -> str:
        """Return the reason why a mail's labels cannot be acted on; "" if they can be."""
        places = self._places
        answers = [places.labels[label] for label in email.mailbox_ids & places.labels.keys()]
        if Special.SPAM in answers and not places.junk:
            return _NO_JUNK
        for_domain = places.domain_label in email.mailbox_ids
        if places.list_label in email.mailbox_ids:
            if for_domain:
                return _TWO_SUBJECTS
            return "" if list_id(email.list_id) else _NO_LIST
        return self._objection_to_domain(sender.key.rpartition("@")[2]) if for_domain else ""

    def _add(self, mail: LabelledMail, result: SortedMail) -> None:
        result.mails_by_key[mail.subject.key].append(mail)
        if mail.subject.kind is Kind.DOMAIN:
            result.companions[mail.subject.key].add(mail.sender.key)

    def _widen(
        self, mails: Iterable[LabelledMail], result: SortedMail, *, taken_back: Collection[str]
    ) -> None:
        """Add the mails whose only label widens a decision.

        If there is no decision to widen, the mail is not added, and its label waits. The decisions
        of this pass count first: after a pass that was cut short, the address book may hold only a
        part of them. A decision that the pass takes back, or replaces by spam, counts as taken back
        already.

        Args:
            mails: the mails that have ``@ThisList`` or ``@WholeDomain``, and no triage label.
            result: the mails that decide on something; some of ``mails`` are added.
            taken_back: the keys of the subjects whose decisions labels on other mail take back.
        """
        left = list(mails)
        while left:
            # A mail that is added makes a decision of this pass, and the label on another mail may
            # widen that decision. So the decisions of the address book count only when no mail is
            # left that widens a decision of this pass.
            of_pass = self._categories_of_pass(result)
            categories_by_mail = dict[str, tuple[Category, ...]]()
            for mail in left:
                sender = mail.sender.key
                keys = (list_key(list_id(mail.email.list_id)), sender, whole_domain(sender))
                if category := next((of_pass[key] for key in keys if key in of_pass), None):
                    categories_by_mail[mail.email.id] = (category,)
            if not categories_by_mail:
                changed = {*result.mails_by_key, *taken_back}.union(*result.companions.values())
                for mail in left:
                    key = self._decisions.subject_key_for(mail.email)
                    categories = () if key in changed else self._decisions.categories_for(key)
                    categories_by_mail[mail.email.id] = categories
            for mail in left:
                labels = frozenset(
                    label
                    for label, answer in self._places.labels.items()
                    if answer in categories_by_mail.get(mail.email.id, ())
                )
                if labels:
                    self._add(replace(mail, labels=labels), result)
                elif (
                    mail.email.id in categories_by_mail
                    and self._places.error in mail.email.mailbox_ids
                ):
                    result.leftovers.append(mail.email)
            left = [mail for mail in left if mail.email.id not in categories_by_mail]

    def _categories_of_pass(self, result: SortedMail) -> dict[str, Category]:
        """Return subject key -> the category that its labels give, unless they contradict."""
        categories = {}
        for key, mails in result.mails_by_key.items():
            answers = {self._places.labels[label] for mail in mails for label in mail.labels}
            if len(answers) == 1 and isinstance(answer := answers.pop(), Category):
                categories[key] = answer
        return categories
