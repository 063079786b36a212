"""Decisions on contacts, from labelled mail and the address book. Pure."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mailroom.contacts.address import list_id_of
from mailroom.contacts.model import Card, ContactEdit, CreateCard, UpdateCard
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import Answer, Categories, Category
from mailroom.screener.model.lists import list_name, posting_address
from mailroom.screener.model.names import DisplayNames, display_names, filled
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import Sender, sender_of
from mailroom.screener.model.subject import Kind, Subject
from mailroom.screener.triage.contact_edits import (
    edits_for_strays,
    edits_for_triage,
    edits_for_undo,
)
from mailroom.screener.triage.contacts import Contact
from mailroom.screener.triage.groups import Groups


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer that a contact gets.

    Attributes:
        id: the same for the same label on the same mails, so that a retry can be recognised. For a
            decision without a label: the same for the same subject and answer.
        contact: the contact.
        answer: the category; or spam; None means back to the Screener.
        edits: the edits of the address book.
        mismatched: ids of labelled mails whose display name contradicts the contact's cards, by
            :meth:`~mailroom.screener.model.names.DisplayNames.is_fitting`.
    """

    id: str
    contact: Contact
    answer: Answer
    edits: tuple[ContactEdit, ...]
    mismatched: frozenset[str]


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contact with different labels on its mails: nothing is done until one is left."""

    contact: Contact
    labels: frozenset[str]


def decide(
    contact: Contact,
    *,
    places: Places,
    categories: Categories,
    groups: Groups,
    uids: Collection[str],
    now: datetime,
    mails_of: Callable[[Iterable[str]], Iterator[Email]],
) -> Decision | Conflict:
    """Decide on a contact, or find that its labels contradict one another.

    Args:
        contact: the contact.
        places: the ids of the mailboxes.
        categories: all categories, for the chain.
        groups: Mailroom's groups.
        uids: the uids of all cards in the address book.
        now: the time of the decision.
        mails_of: returns the mails from some addresses, out of all mails that were found. Takes the
            keys of the addresses. Labelled mails may be among the result.
    """
    labels = frozenset().union(*(mail.labels for mail in contact.labelled))
    if len(labels) > 1:
        return Conflict(contact, labels)
    (label,) = labels
    made_from = "\n".join((label, *sorted(mail.email.id for mail in contact.labelled)))
    decision_id = hashlib.sha256(made_from.encode()).hexdigest()[:8]
    answer = places.labels[label]
    if not isinstance(answer, Category):
        edits = _edits_without_category(contact.cards, contact.subject_keys, groups, uids)
        return Decision(decision_id, contact, answer, edits, frozenset())
    chain = categories.chain(answer)
    # The card is made for the sender of the newest mail that has a display name.
    best_named = max(
        contact.labelled, key=lambda mail: (bool(mail.sender.name), mail.email.received_at)
    )
    if any(mail.subject.kind is not Kind.ADDRESS for mail in contact.labelled):
        edits = _edits_for_wider(contact, best_named.sender, chain, groups, now)
        return Decision(decision_id, contact, answer, edits, frozenset())
    names = {}
    for key in contact.sender_keys:
        labelled = [mail.email for mail in contact.labelled if mail.sender.key == key]
        names[key] = display_names([*labelled, *mails_of([key])])
    edits = edits_for_triage(
        contact.cards,
        best_named.sender,
        chain,
        groups,
        now,
        collective=names[best_named.sender.key].collective_for(contact.cards),
    )
    return Decision(decision_id, contact, answer, edits, _mismatched(contact, edits, names))


def decide_by_name(  # noqa: PLR0913 - one argument for each fact
    contact: Contact,
    subject: Subject,
    answer: Answer,
    *,
    mails: Collection[Email],
    categories: Categories,
    groups: Groups,
    uids: Collection[str],
    now: datetime,
) -> Decision:
    """Decide on a subject that a person names, without a label on a mail.

    Args:
        contact: the contact, without labelled mail.
        subject: the subject.
        answer: the answer.
        mails: the mails of the subject that were found; maybe none.
        categories: all categories, for the chain.
        groups: Mailroom's groups.
        uids: the uids of all cards in the address book.
        now: the time of the decision.
    """
    decision_id = hashlib.sha256(f"{subject.key}\n{answer}".encode()).hexdigest()[:8]
    if not isinstance(answer, Category):
        edits = _edits_without_category(contact.cards, [subject.key], groups, uids)
        return Decision(decision_id, contact, answer, edits, frozenset())
    profile, collective = _profile(subject, contact.cards, mails)
    edits = edits_for_triage(
        contact.cards,
        profile,
        categories.chain(answer),
        groups,
        now,
        collective=collective,
        subject=subject,
    )
    return Decision(decision_id, contact, answer, edits, frozenset())


def _edits_without_category(
    cards: Collection[Card], keys: Collection[str], groups: Groups, uids: Collection[str]
) -> tuple[ContactEdit, ...]:
    """Return the edits for subjects, by their keys, that go back to the Screener or are spam."""
    return edits_for_undo(cards, groups) + edits_for_strays(keys, groups, uids)


def _profile(
    subject: Subject, cards: Collection[Card], mails: Collection[Email]
) -> tuple[Sender, str]:
    """Return the address and name for the card of a subject, and the collective name, if any.

    Args:
        subject: the subject.
        cards: its cards.
        mails: mails of the subject, each with one usable sender; maybe none.
    """
    newest = sorted(mails, key=lambda email: (email.received_at, email.id), reverse=True)
    match subject.kind:
        case Kind.DOMAIN:
            name = subject.key.removeprefix("*@")
            return Sender(subject.key, name), name
        case Kind.LIST:
            fields = [(email.list_id, email.list_post) for email in newest]
            list_field, post = fields[0] if fields else (f"<{list_id_of(subject.key)}>", "")
            name = list_name(list_field)
            return Sender(posting_address(post), name), name
        case Kind.ADDRESS:
            senders = [sender_of(email) for email in newest]
            named = next((sender for sender in senders if sender.name), None)
            sender = named or next(iter(senders), Sender(subject.key))
            return sender, display_names(mails).collective_for(cards)


def _edits_for_wider(
    contact: Contact,
    sender: Sender,
    chain: tuple[Category, ...],
    groups: Groups,
    now: datetime,
) -> tuple[ContactEdit, ...]:
    """Return the edits of a contact that is more than a sender: a mailing list or a whole domain.

    Each subject that the labels decide on gets a card of its own. The address of a sender is such a
    subject only if a label on the sender's mail is neither for the list nor for the domain.

    Args:
        contact: the contact.
        sender: a sender of the contact's labelled mail.
        chain: the category, its parent, ...
        groups: Mailroom's groups.
        now: the time of the decision, for the note.
    """
    edits, others = list[ContactEdit](), list(contact.cards)
    for subject in sorted({mail.subject for mail in contact.labelled}):
        cards = [card for card in contact.cards if card.stands_for(subject.key)]
        if cards and subject.kind is Kind.ADDRESS:
            continue  # these cards are edited below, with the others
        others = [card for card in others if card not in cards]
        mails = [mail.email for mail in contact.labelled if mail.subject == subject]
        profile, name = _profile(subject, cards, mails)
        edits += edits_for_triage(
            cards, profile, chain, groups, now, collective=name, subject=subject
        )
    if others:
        edits += edits_for_triage(others, sender, chain, groups, now)
    return tuple(edits)


def _mismatched(
    contact: Contact, edits: Iterable[ContactEdit], names: Mapping[str, DisplayNames]
) -> frozenset[str]:
    """Return the ids of labelled mails whose display name fits none of the contact's cards.

    The cards count as they will be after the edits, so that a repeated pass finds the same mails.

    Args:
        contact: the contact.
        edits: the edits of its cards.
        names: sender key -> the names in the mails of this sender.
    """
    cards = []
    for edit in edits:
        match edit.card:
            case CreateCard(uid=uid, names=new_names, address=address):
                cards.append(Card(id="", uid=uid, names=new_names, addresses=(address,)))
            case UpdateCard(card=card, fill=fill):
                cards.append(replace(card, names=filled(card.names, fill)))
            case _:
                cards += [card for card in contact.cards if card.uid == edit.uid]
    return frozenset(
        mail.email.id
        for mail in contact.labelled
        if not any(names[mail.sender.key].is_fitting(mail.sender.name, card) for card in cards)
    )
