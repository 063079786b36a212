"""A model of mail and contacts, as README.md and docs/behaviour.md describe them.

Written from these documents alone; shares no code with Mailroom. Simultaneous actions may happen in
any order, so a caller combines only actions whose order does not matter.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

SCREENER: Final = "Screener"
INBOX: Final = "Inbox"
UNDO: Final = "@ToScreener"
PLACES: Final[Mapping[str, frozenset[str]]] = {
    "@ToImbox": frozenset({"Imbox"}),
    "@ToFeed": frozenset({"Feed"}),
    "@ToPaperTrail": frozenset({"Paper Trail"}),
    "@ToJail": frozenset({"Jail"}),
    "@ToPerson": frozenset({"Person", "Imbox"}),
    "@ToBillboard": frozenset({"Billboard", "Paper Trail"}),
    "@ToTruck": frozenset({"Truck", "Paper Trail"}),
    UNDO: frozenset({SCREENER}),
}
"""Label -> mailboxes. Except for the last one, groups have the names of mailboxes."""
TO_INBOX: Final = frozenset({"@ToImbox", "@ToPerson"})
MANAGED: Final = frozenset[str]().union(*PLACES.values())
LEFT_ALONE: Final = frozenset({"Trash"})


@dataclass(eq=False)
class Sender:
    """A sender, or several who are decided on together: a mailing list, or everybody at a domain.

    Attributes:
        name: the display name in From.
        addresses: the sender's addresses; more than one only if they are on one card, or of a list
            or domain.
        scope: the label that has to stand beside a triage label; empty if none has to.
        headers: the header fields of each mail, beside From.
        on_card: the address on the card of a list or domain; empty: all addresses.
        about: the first line of the note of a list or domain; else empty.
        label: the label of the present decision; empty if there is none.
        card: ``""`` (no card), ``ours`` (made for a decision), or ``own`` (made by the owner).
        note: the owner's note on the card.
        phone: True if the owner has added a phone number to the card.
        is_friend: True if the owner has put the card into a group of their own.
    """

    name: str
    addresses: tuple[str, ...]
    scope: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    on_card: str = ""
    about: str = ""
    label: str | None = None
    card: str = ""
    note: str = ""
    phone: bool = False
    is_friend: bool = False

    @property
    def groups(self) -> frozenset[str]:
        """The groups that the card is in."""
        chain = PLACES[self.label] if self.label else frozenset()
        made = {"Mailroom"} if self.card == "ours" else set()
        return chain | made | ({"Friends"} if self.is_friend else set())


@dataclass(eq=False)
class Mail:
    """A mail, and where it is."""

    subject: str
    sender: Sender
    mailboxes: frozenset[str] = frozenset()
    is_read: bool = False


@dataclass
class Model:
    """The account."""

    senders: list[Sender]
    mails: list[Mail] = field(default_factory=list)

    def mails_of(self, sender: Sender) -> list[Mail]:
        """Return the mail of a sender."""
        return [mail for mail in self.mails if mail.sender is sender]

    def arrive(self, mail: Mail) -> None:
        """Add a new mail to the mailboxes to which Mailroom files it."""
        sender = mail.sender
        if sender.label:
            mail.mailboxes = PLACES[sender.label]
            if sender.label in TO_INBOX:
                mail.mailboxes |= {INBOX}
        else:
            mail.mailboxes = frozenset({INBOX if sender.card else SCREENER})
        self.mails.append(mail)

    def tap(self, sender: Sender, labelled: Iterable[Mail], label: str) -> None:
        """Move a sender's mail as Mailroom does after a label was put on some of it."""
        labelled = set(labelled)
        for mail in self.mails_of(sender):
            managed = mail.mailboxes & MANAGED and not mail.mailboxes & LEFT_ALONE
            if managed or mail in labelled:
                mail.mailboxes = _filed(mail.mailboxes, label)
        if label == UNDO:
            sender.label = None
            if sender.card == "ours":
                sender.card = "own" if sender.phone else ""
        else:
            sender.label = label
            sender.card = sender.card or "ours"

    def totals(self) -> Counter[str]:
        """Return the number of mails in each mailbox."""
        return Counter(mailbox for mail in self.mails for mailbox in mail.mailboxes)


def _filed(mailboxes: frozenset[str], label: str) -> frozenset[str]:
    after = (mailboxes - MANAGED) | PLACES[label]
    if label not in TO_INBOX:
        return after - {INBOX}
    return after | {INBOX} if SCREENER in mailboxes else after
