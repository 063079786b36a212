"""Values for the tests of the domain, with sensible defaults.

The ids of mailboxes and groups are their names, so that expectations read as a person would say
them. Nothing here decides anything: :func:`patched` and :func:`written` apply a patch or an edit as
a mail server or an address book promises to, and do no more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from mailroom.contacts.index import ContactIndex, IndexBuilder
from mailroom.contacts.model import Card, ContactEdit, CreateCard, DeleteCard, Group, UpdateCard
from mailroom.jmap.mail import Email, EmailAddress, Patch
from mailroom.jmap.mailboxes import Mailbox
from mailroom.screener.model.categories import (
    DEFAULTS,
    Answer,
    Categories,
    Category,
    Layout,
    Special,
)
from mailroom.screener.model.names import filled
from mailroom.screener.model.places import Places
from mailroom.screener.model.sender import own_keys, sender_of
from mailroom.screener.model.subject import Subject
from mailroom.screener.triage.groups import Groups, find_groups
from mailroom.screener.triage.labelled import LabelledMail, MailSorter, SortedMail
from mailroom.screener.triage.standing import Decisions, StandingDecisions

LAYOUT: Final = Layout()
NOW: Final = datetime(2026, 2, 25, 14, 3, tzinfo=UTC)
BOB: Final = "Bob Builder <bob@corp.example>"
ELSEWHERE: Final = ("Inbox", "Archive", "Projects", "Trash", "Drafts", "Sent", "Spam")
"""Mailboxes that Mailroom does not manage."""


def places_for(categories: Categories) -> Places:
    """Return all mailboxes that there can be; the id of each is its name."""
    labels: dict[str, Answer] = {category.label: category for category in categories}
    return Places(
        labels=labels | {LAYOUT.screener_label: None, LAYOUT.spam_label: Special.SPAM},
        destinations={category.name: category.destination for category in categories},
        screener=LAYOUT.screener,
        inbox="Inbox",
        error=LAYOUT.error_label,
        warning=LAYOUT.warning_label,
        domain_label=LAYOUT.domain_label,
        list_label=LAYOUT.list_label,
        trash=frozenset({"Trash"}),
        drafts=frozenset({"Drafts"}),
        sent=frozenset({"Sent"}),
        junk=frozenset({"Spam"}),
        archive=frozenset({"Archive"}),
    )


PLACES: Final = places_for(DEFAULTS)


def category(name: str) -> Category | None:
    """Return a default category by its name; None for the Screener, as an undo has it."""
    if name == LAYOUT.screener:
        return None
    default = DEFAULTS.by_name(name)
    assert default is not None
    return default


def chain(name: str) -> tuple[Category, ...]:
    """The chain of a default category."""
    last = category(name)
    assert last is not None
    return DEFAULTS.chain(last)


def address(text: str) -> EmailAddress:
    """An address from ``Bob <bob@corp.example>`` or ``bob@corp.example``."""
    if not text.endswith(">"):
        return EmailAddress("", text)
    name, _, email = text.removesuffix(">").rpartition("<")
    return EmailAddress(name.strip(), email)


def mail(
    *mailboxes: str,
    email_id: str = "m1",
    sender: str | tuple[str, ...] = BOB,
    received: str = "2026-02-25T10:00:00Z",
    keywords: Iterable[str] = (),
    list_id: str = "",
    list_post: str = "",
    subject: str = "",
) -> Email:
    """A mail in some mailboxes; several senders make a From of several addresses."""
    senders = (sender,) if isinstance(sender, str) else sender
    return Email(
        id=email_id,
        mailbox_ids=frozenset(mailboxes),
        keywords=frozenset(keywords),
        received_at=received,
        from_=tuple(address(sender) for sender in senders),
        list_id=list_id,
        list_post=list_post,
        subject=subject,
    )


def tapped(email: Email, places: Places = PLACES) -> LabelledMail:
    """A labelled mail with a usable From, whose label decides on its sender."""
    sender = sender_of(email)
    labels = email.mailbox_ids & places.labels.keys()
    return LabelledMail(email, sender, labels, Subject(sender.key))


def decisions(
    index: ContactIndex | None = None,
    of_pass: Mapping[str, Answer] | None = None,
    identities: Collection[str] = (),
) -> Decisions:
    """The decisions of an address book and of a pass."""
    standing = StandingDecisions(index or ContactIndex(), DEFAULTS)
    return Decisions(standing, of_pass or {}, own_keys(identities))


def sort_mail(
    emails: Iterable[Email],
    identities: Collection[str] = (),
    index: ContactIndex | None = None,
    places: Places = PLACES,
) -> SortedMail:
    """Labelled mail, sorted; gmail.example is a mail provider."""
    return MailSorter(
        places,
        decisions(index, identities=identities),
        lambda domain: "a mail provider" if domain == "gmail.example" else "",
    ).sort(emails)


def card(uid: str = "bob", *addresses: str, **fields: object) -> Card:
    """Return a card, by default Bob's. ``fields`` as in :class:`Card`."""
    plain = Card(id=uid, uid=uid, addresses=addresses or ("bob@corp.example",))
    return replace(plain, **fields)  # type: ignore[arg-type]  # fields of Card


def group_list(members: Mapping[str, Iterable[str]] | None = None) -> tuple[Group, ...]:
    """The groups of the default categories, the provenance group, and those of ``members``."""
    members = members or {}
    names = [*(category.group for category in DEFAULTS), LAYOUT.provenance_group, *members]
    return tuple(
        Group(id=name, uid=f"group {name}", name=name, members=frozenset(members.get(name, ())))
        for name in dict.fromkeys(names)
    )


def groups(members: Mapping[str, Iterable[str]] | None = None) -> Groups:
    """Return the groups of :func:`group_list` in the form that the domain uses."""
    return find_groups(group_list(members), DEFAULTS, LAYOUT)


def mailboxes(*paths: str, roles: Mapping[str, str] | None = None) -> tuple[Mailbox, ...]:
    """Mailboxes with their paths for ids; a parent has to be named before its children."""
    roles = roles or {}
    return tuple(
        Mailbox(
            id=path,
            name=path.rpartition("/")[2],
            parent_id=path.rpartition("/")[0] or None,
            role=roles.get(path, ""),
        )
        for path in paths
    )


def patched(before: Collection[str], patch: Patch | None) -> frozenset[str]:
    """Return a mail's mailboxes after a patch (RFC 8620 section 5.3)."""
    after = set(before)
    for path, value in (patch or {}).items():
        prefix, _, name = path.partition("/")
        assert prefix in {"mailboxIds", "keywords"}, path
        assert name, path
        assert value in (True, None), path
        if prefix == "mailboxIds":
            (after.discard if value is None else after.add)(name)
    return frozenset(after)


@dataclass(frozen=True)
class Contacts:
    """An address book: cards by uid, groups by id."""

    cards: Mapping[str, Card]
    groups: Mapping[str, Group]

    @classmethod
    def of(cls, cards: Iterable[Card] = (), groups: Iterable[Group] = group_list()) -> "Contacts":
        return cls({card.uid: card for card in cards}, {group.id: group for group in groups})

    def bearing(self, addresses: Collection[str]) -> tuple[Card, ...]:
        """Return the cards with one of the addresses, which are in lower case."""
        return tuple(
            card
            for card in self.cards.values()
            if {address.lower() for address in card.addresses} & set(addresses)
        )

    @property
    def index(self) -> ContactIndex:
        """The index of the cards and groups."""
        builder = IndexBuilder()
        for card in self.cards.values():
            builder.put_card(card.id, card.uid, card.addresses)
        for group in self.groups.values():
            builder.put_group(group)
        return builder.build()

    def groups_of(self, uid: str) -> set[str]:
        return {group.name for group in self.groups.values() if uid in group.members}


def written(edit: ContactEdit, contacts: Contacts) -> Contacts:
    """The address book after an edit, as :mod:`mailroom.contacts.book` promises it."""
    members = {group_id: set(group.members) for group_id, group in contacts.groups.items()}
    for group_id in edit.join:
        members[group_id].add(edit.uid)
    for group_id in edit.leave:
        members[group_id].discard(edit.uid)
    return Contacts(
        cards=_card_written(edit, dict(contacts.cards)),
        groups={
            group_id: replace(group, members=frozenset(members[group_id]))
            for group_id, group in contacts.groups.items()
        },
    )


def _card_written(edit: ContactEdit, cards: dict[str, Card]) -> dict[str, Card]:
    match edit.card:
        case CreateCard(uid=uid, names=names, address=its_address, whole_note=note):
            cards[uid] = card(
                uid, its_address, names=names, note=note, made_by_us=True, untouched=True
            )
        case UpdateCard(card=Card(uid=uid), forget=forget) as update:
            old = cards[uid]
            cards[uid] = replace(
                old,
                names=filled(old.names, update.fill),
                note=_note_written(old.note, update),
                made_by_us=old.made_by_us and not forget,
            )
        case DeleteCard(card=Card(uid=uid)):
            cards.pop(uid, None)
    return cards


def _note_written(note: str, update: UpdateCard) -> str:
    lines = [line for line in note.split("\n") if line and line not in update.remove_lines]
    if update.add_line and update.add_line not in lines:
        lines.append(update.add_line)
    return "\n".join(lines)
