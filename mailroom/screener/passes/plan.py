"""The plan of one pass, as a value. Pure.

A dry run prints the same plan that a real pass carries out.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from mailroom.contacts.book import Snapshot
from mailroom.jmap.mail import Email, Patch
from mailroom.screener.arrivals.screening import JudgedMail
from mailroom.screener.arrivals.verdict import Verdict
from mailroom.screener.model.categories import Categories
from mailroom.screener.model.patches import (
    add_label,
    file_labelled,
    file_swept,
    remove_labels,
    target_of,
)
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import UnusableFromError
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.reading import Reading
from mailroom.screener.triage.decide import Conflict, Decision
from mailroom.screener.triage.labelled import SortedMail
from mailroom.screener.triage.standing import Decisions


@dataclass(frozen=True, slots=True)
class Filing:
    """A decision and its patches of mail.

    Attributes:
        decision: the decision.
        swept_patches: patches for the contact's other mails, by id; these are written first.
        labelled_patches: patches for the labelled mails, by id; these remove the labels, and are
            written last.
    """

    decision: Decision
    swept_patches: Mapping[str, Patch]
    labelled_patches: Mapping[str, Patch]


@dataclass(frozen=True, slots=True)
class Plan:
    """The writes of a pass, and the facts that they were planned from.

    Attributes:
        filings: the decisions and their patches.
        conflicts: contacts with labels that contradict one another.
        unusable: labelled mails that decide on nothing, with the reason.
        own: the user's own mails and Mailroom's digests, which only lose their labels.
        skipped: decisions that are not tried now, because a server refused them for good in an
            earlier pass; each with the server's words.
        label_only_patches: patches that change labels and file no mail: for conflicts, unusable
            mails, own mails, and leftovers.
        subject_labels: patches for undo that add ``@WholeDomain`` or ``@ThisList`` to a labelled
            mail; see :attr:`SortedMail.subject_labels`. They are written before everything else.
        skipped_labels: mail id -> the server's words, for mails whose labels are not changed now,
            because the server refused this change for good in an earlier pass.
        judged: the verdicts on new mail; None if new mail is not screened, or not in this pass.
        screening_error: the error because of which new mail is not screened in this pass, but in a
            later one; empty if there was none.
        gathered: the labelled and new mail that was read.
        decisions: the decisions of the address book and of the pass.
        snapshot: the address book from which the decisions were made.
        emails: the labelled mails and the other mails of their senders, as they were read; by id.
    """

    filings: tuple[Filing, ...]
    conflicts: tuple[Conflict, ...]
    unusable: tuple[tuple[Email, str], ...]
    own: tuple[Email, ...]
    label_only_patches: Mapping[str, Patch]
    gathered: GatheredMail
    decisions: Decisions
    snapshot: Snapshot
    skipped: tuple[tuple[Decision, str], ...] = ()
    skipped_labels: Mapping[str, str] = field(default_factory=dict)
    judged: JudgedMail | None = None
    screening_error: str = ""
    emails: Mapping[str, Email] = field(default_factory=dict)
    subject_labels: Mapping[str, Patch] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True if nothing is to be written."""
        return not self.filings and not self.label_only_patches and not self.changing_verdicts

    @property
    def changing_verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts that change new mail; see :attr:`JudgedMail.changing_verdicts`."""
        return () if self.judged is None else self.judged.changing_verdicts


class MailsByKey:
    """Mails by the key of their subject or sender.

    Mails that name no sender or several are left out.

    Args:
        emails: the mails.
        key_for: returns the key of a mail's subject or sender.
    """

    def __init__(self, emails: Iterable[Email], key_for: Callable[[Email], str]) -> None:
        self._mails: dict[str, list[Email]] = {}
        for email in emails:
            with suppress(UnusableFromError):
                self._mails.setdefault(key_for(email), []).append(email)

    def of(self, keys: Iterable[str]) -> Iterator[Email]:
        """Yield the mails that have one of the keys."""
        for key in keys:
            yield from self._mails.get(key, ())


def plan_decisions(
    reading: Reading,
    sorted_mail: SortedMail,
    outcomes: Collection[Decision | Conflict],
    mails: Collection[Email],
    *,
    categories: Categories,
    refusal_of: Callable[[str], str | None] = lambda _: None,
) -> Plan:
    """Plan the writes for all labelled mail; new mail is not in the plan yet.

    Args:
        reading: the mail and the address book that were read.
        sorted_mail: the labelled mail of the reading, sorted.
        outcomes: the decisions and the conflicts.
        mails: the mails found of the decided contacts, and maybe mails of others.
        categories: all categories, for the chain.
        refusal_of: returns the words of a lasting refusal, for a :attr:`Decision.id` or a
            :func:`label_change_key`; None if the change is to be tried now.
    """
    conflicts = tuple(outcome for outcome in outcomes if isinstance(outcome, Conflict))
    wanted = [outcome for outcome in outcomes if isinstance(outcome, Decision)]
    skipped = tuple(
        (decision, reason) for decision in wanted if (reason := refusal_of(decision.id)) is not None
    )
    decisions = [decision for decision in wanted if refusal_of(decision.id) is None]
    answers = {key: decision.answer for decision in decisions for key in decision.contact.keys}
    all_decisions = replace(reading.decisions, of_pass=answers)
    gathered, places = reading.gathered, reading.gathered.places
    by_subject = MailsByKey(mails, all_decisions.subject_key_for)
    filings = tuple(plan_filing(decision, by_subject, places, categories) for decision in decisions)
    swept = {email_id for filing in filings for email_id in filing.swept_patches}
    labelled = {email_id for filing in filings for email_id in filing.labelled_patches}
    patches = patch_labels(
        leftovers=[email for email in sorted_mail.leftovers if email.id not in swept],
        own=sorted_mail.own,
        unfiled=unfiled_mail(conflicts, sorted_mail.unusable, skipped),
        places=places,
    )
    skipped_labels = _skipped_labels(patches.keys(), gathered.emails, refusal_of)
    additions = sorted_mail.subject_labels
    return Plan(
        filings=filings,
        conflicts=conflicts,
        unusable=tuple(sorted_mail.unusable),
        own=tuple(sorted_mail.own),
        label_only_patches={key: patches[key] for key in patches if key not in skipped_labels},
        gathered=gathered,
        decisions=all_decisions,
        snapshot=reading.snapshot,
        skipped=skipped,
        skipped_labels=skipped_labels,
        emails={email.id: email for email in (*mails, *gathered.emails)},
        subject_labels={key: additions[key] for key in additions if key in labelled},
    )


def _skipped_labels(
    patched_ids: Collection[str],
    emails: Iterable[Email],
    refusal_of: Callable[[str], str | None],
) -> dict[str, str]:
    """Return mail id -> the server's words, for patched mails whose patch was refused for good."""
    refusals = {email.id: refusal_of(label_change_key(email)) for email in emails}
    return {
        email_id: reason for email_id in patched_ids if (reason := refusals[email_id]) is not None
    }


def label_change_key(email: Email) -> str:
    """Return the key of a change of a mail's labels: the mail's id and its mailboxes."""
    return " ".join((email.id, *sorted(email.mailbox_ids)))


def plan_filing(
    decision: Decision, mails: MailsByKey, places: Places, categories: Categories
) -> Filing:
    """Plan the patches for a contact's mail.

    Other mail of the contact may have got a label after the labelled mail was read. Such mail gets
    no patch here: the next pass acts on its label.

    Args:
        decision: the decision.
        mails: the mails that were found of all contacts.
        places: the ids of the mailboxes.
        categories: all categories, for the chain.
    """
    target = target_of(decision.answer, categories, places)
    labelled = {mail.email.id: mail.email for mail in decision.contact.labelled}
    swept = {
        email.id: file_swept(email, target, places, remove_warning=not decision.mismatched)
        for email in mails.of(decision.contact.keys)
        if not email.mailbox_ids & places.tap_labels and email.id not in labelled
    }
    return Filing(
        decision,
        swept_patches={email_id: patch for email_id, patch in swept.items() if patch is not None},
        labelled_patches={
            email_id: file_labelled(email, target, places, warn=email_id in decision.mismatched)
            for email_id, email in sorted(
                labelled.items(), key=lambda item: has_triage_label(item[1], places)
            )
        },
    )


def has_triage_label(email: Email, places: Places) -> bool:
    """Return True if a mail has a triage label; ``@ThisList`` and ``@WholeDomain`` are none.

    Mail that has only ``@ThisList`` or ``@WholeDomain`` is filed before mail with a triage label,
    because such mail may widen the decision that the triage label makes. If the triage label were
    removed first and the pass were cut short then, the next pass could widen another decision.
    """
    return not email.mailbox_ids.isdisjoint(places.labels)


def unfiled_mail(
    conflicts: Iterable[Conflict],
    unusable: Iterable[tuple[Email, str]],
    skipped: Iterable[tuple[Decision, str]],
) -> Iterator[Email]:
    """Yield the labelled mails that cannot be filed; the arguments are as in :class:`Plan`."""
    contacts = [conflict.contact for conflict in conflicts]
    contacts += [decision.contact for decision, _ in skipped]
    for contact in contacts:
        yield from (mail.email for mail in contact.labelled)
    yield from (email for email, _ in unusable)


def patch_labels(
    *, leftovers: Iterable[Email], own: Iterable[Email], unfiled: Iterable[Email], places: Places
) -> dict[str, Patch]:
    """Return patches of mails that change nothing but labels, by mail id.

    An app may move own mail from Sent to a label. Without the label, the mail goes back to Sent.

    Args:
        leftovers: mails that lose the error label. Swept mails are not among them, because the
            sweep removes that label too.
        own: mails that lose the error label and the triage labels.
        unfiled: mails that cannot be filed now, and get the error label.
        places: the ids of the mailboxes.
    """
    home = min(places.sent, default=places.inbox)
    patches: dict[str, Patch | None] = {}
    for email in leftovers:
        patches[email.id] = remove_labels(email, {places.error}, fallback=places.inbox)
    for email in own:
        patches[email.id] = remove_labels(email, places.tap_labels | {places.error}, fallback=home)
    for email in unfiled:
        patches[email.id] = add_label(email, places.error)
    return {email_id: patch for email_id, patch in patches.items() if patch is not None}
