"""A model of README.md and docs/behaviour.md: what becomes of mail and contacts, at any time.

Written from these documents alone; shares no code with Mailroom. What happens at once may happen in
any order, so whoever uses it takes care to do such things at once only that end alike.
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
"""Where each label sends mail; but for the last one, groups are called as mailboxes are."""
TO_INBOX: Final = frozenset({"@ToImbox", "@ToPerson"})
MANAGED: Final = frozenset[str]().union(*PLACES.values())
LEFT_ALONE: Final = frozenset({"Trash"})


@dataclass(eq=False)
class Sender:
    """Somebody who writes.

    Attributes:
        name: as it stands in From.
        addresses: what they write from; more than one only if a card says so.
        label: the last decision, if any stands.
        card: whose card there is: ``""`` (none), ``ours`` (made for a decision), ``own``.
        note: what the owner has noted on the card.
        phone: whether the owner has written a phone number onto it.
        is_friend: whether the owner has put it into a group of their own.
    """

    name: str
    addresses: tuple[str, ...]
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

    def of(self, sender: Sender) -> list[Mail]:
        """Somebody's mail."""
        return [each for each in self.mails if each.sender is sender]

    def arrive(self, mail: Mail) -> None:
        """A new mail has come into the Inbox."""
        sender = mail.sender
        if sender.label:
            mail.mailboxes = PLACES[sender.label]
            if sender.label in TO_INBOX:
                mail.mailboxes |= {INBOX}
        else:
            mail.mailboxes = frozenset({INBOX if sender.card else SCREENER})
        self.mails.append(mail)

    def tap(self, sender: Sender, labelled: Iterable[Mail], label: str) -> None:
        """A label was put on some mails of a sender."""
        labelled = set(labelled)
        for mail in self.of(sender):
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
        """How many mails are in each mailbox."""
        return Counter(mailbox for mail in self.mails for mailbox in mail.mailboxes)


def _filed(mailboxes: frozenset[str], label: str) -> frozenset[str]:
    after = (mailboxes - MANAGED) | PLACES[label]
    if label not in TO_INBOX:
        return after - {INBOX}
    return after | {INBOX} if SCREENER in mailboxes else after
