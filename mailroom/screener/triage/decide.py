"""Decisions on contacts, from labelled mail and the address book. Pure."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mailroom.contacts.model import Card, ContactEdit, CreateCard, UpdateCard
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import Answer, Categories, Category
from mailroom.screener.model.lists import list_name, posting_address
from mailroom.screener.model.names import DisplayNames, display_names, filled, is_called
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import Sender
from mailroom.screener.model.subject import Kind
from mailroom.screener.triage.contact_edits import (
    edits_for_strays,
    edits_for_triage,
    edits_for_undo,
)
from mailroom.screener.triage.contacts import Contact
from mailroom.screener.triage.groups import Groups
from mailroom.screener.triage.labelled import LabelledMail


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer that a contact gets.

    Attributes:
        id: the same for the same label on the same mails, so that a retry can be recognised.
        contact: the contact.
        answer: the category; or spam; None means back to the Screener.
        edits: the edits of the address book.
        mismatched: ids of labelled mails whose display name is not on the contact's cards.
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
        mails_of: returns the mails that were found of some addresses, maybe labelled ones too.
    """
    labels = frozenset().union(*(mail.labels for mail in contact.labelled))
    if len(labels) > 1:
        return Conflict(contact, labels)
    (label,) = labels
    made_from = "\n".join((label, *sorted(mail.email.id for mail in contact.labelled)))
    decision_id = hashlib.sha256(made_from.encode()).hexdigest()[:8]
    answer = places.labels[label]
    if not isinstance(answer, Category):
        strays = edits_for_strays(contact.subjects, groups, uids)
        edits = edits_for_undo(contact.cards, groups) + strays
        return Decision(decision_id, contact, answer, edits, frozenset())
    chain = categories.chain(answer)
    # The card is made for the sender of the newest mail that has a display name.
    best_named = max(
        contact.labelled, key=lambda mail: (bool(mail.sender.name), mail.email.received_at)
    )
    wider = [mail for mail in contact.labelled if mail.subject.kind is not Kind.ADDRESS]
    if wider:
        edits = _edits_for_wider(contact, wider, best_named.sender, chain, groups, now)
        return Decision(decision_id, contact, answer, edits, frozenset())
    names = {
        key: display_names(
            [
                *(mail.email for mail in contact.labelled if mail.sender.key == key),
                *mails_of([key]),
            ]
        )
        for key in contact.senders
    }
    edits = edits_for_triage(
        contact.cards,
        best_named.sender,
        chain,
        groups,
        now,
        collective=names[best_named.sender.key].name_for(contact.cards),
    )
    return Decision(decision_id, contact, answer, edits, _mismatched(contact, edits, names))


def _edits_for_wider(
    contact: Contact,
    wider: Iterable[LabelledMail],
    sender: Sender,
    chain: tuple[Category, ...],
    groups: Groups,
    now: datetime,
) -> tuple[ContactEdit, ...]:
    """Return the edits for mailing lists and whole domains, and for the other cards of a contact.

    Args:
        contact: the contact.
        wider: the labelled mails that decide on a list or a domain.
        sender: a sender of the contact's labelled mail.
        chain: the category, its parent, ...
        groups: Mailroom's groups.
        now: the time of the decision, for the note.
    """
    edits, others = list[ContactEdit](), list(contact.cards)
    for mail in {mail.subject: mail for mail in wider}.values():
        cards = [card for card in contact.cards if card.stands_for(mail.subject.key)]
        others = [card for card in others if card not in cards]
        if mail.subject.kind is Kind.LIST:
            name = list_name(mail.email.list_id)
            profile = Sender(posting_address(mail.email.list_post), name)
        else:
            name = mail.subject.key.removeprefix("*@")
            profile = Sender(mail.subject.key, name)
        edits += edits_for_triage(
            cards, profile, chain, groups, now, collective=name, subject=mail.subject
        )
    if others:
        edits += edits_for_triage(others, sender, chain, groups, now)
    return tuple(edits)


def _mismatched(
    contact: Contact, edits: Iterable[ContactEdit], names: Mapping[str, DisplayNames]
) -> frozenset[str]:
    """Return the ids of labelled mails whose display name is on none of the contact's cards.

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
        if not any(
            is_called(mail.sender.name, card) or names[mail.sender.key].fit(card) for card in cards
        )
    )
