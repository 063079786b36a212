"""What there is to be taken back, and what became of it: values, for people and programs. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from mailroom.contacts.book import Card, ContactEdit, DeleteCard, UpdateCard
from mailroom.contacts.note import triage_lines
from mailroom.report import shown
from mailroom.screener.gather import Marked

UNDECIDED: Final = ""
"""Stands for a category's name where a contact has none any more."""


_NOTHING: Final = "Nor are there any of Mailroom's mailboxes for labels, or contact groups."
_NOT_YET: Final = """\
Nothing was changed. Stop Mailroom where it runs, and switch off what rules at your provider do for
it: they would file on. Then `{command}` takes all of this back; if it is interrupted,
it goes on where it was when it is run again."""
_DONE: Final = """\
Mailroom's mailboxes and contact groups are still there. Before you delete them in your mail app,
move what is in the Screener to the Inbox or the archive: with a mailbox goes all mail that is
nowhere else. While Mailroom runs, or rules at your provider do its work, mail is screened and filed
on."""
_REST: Final = "What failed is left as it was: run `{command}` again."


class Fate(StrEnum):
    """What becomes of a card."""

    DELETED = "deleted: Mailroom made it, and nobody touched it"
    STRIPPED = "kept, and rid of what Mailroom wrote on it"
    RELEASED = "kept as it is, and out of the groups"


def _command(account: str) -> str:
    """What takes it back in this account, and in no other."""
    return f"mailroom reset --apply --account {account}" if account else "mailroom reset --apply"


def has_traces(card: Card) -> bool:
    """Whether Mailroom has written on a card."""
    return card.made_by_us or card.filled_by_us or bool(triage_lines(card.note))


def can_be_stripped(card: Card) -> bool:
    """Return True if Mailroom has written on a card and may take that off again.

    Over JMAP a card that somebody else made, or put more on, is not edited: traces that were
    written over CardDAV are removed over CardDAV.
    """
    return card.is_editable and has_traces(card)


def fate_of(edit: ContactEdit) -> Fate:
    """What becomes of a card by an edit that takes a decision back."""
    match edit.card:
        case DeleteCard():
            return Fate.DELETED
        case UpdateCard(card=card) if can_be_stripped(card):
            return Fate.STRIPPED
        case _:
            return Fate.RELEASED


@dataclass(frozen=True, slots=True)
class ToTakeBack:
    """What Mailroom did, as far as it is still there.

    Attributes:
        seen: which mailbox is which; None where there is nothing of Mailroom at all.
        cards: ids of the cards of all contacts that are concerned.
        senders: category name -> how many of them are in it.
        fates: how many cards have which.
        strays: uids in Mailroom's groups of which there is no card.
        mails: how many go back to the Screener.
        orphans: how many of them are from senders who have no contact any more.
        marks: how many mails bear the error or warning label, or a keyword of Mailroom's.
        labelled: how many mails bear a triage label, which is a person's.
    """

    seen: Marked | None = None
    cards: tuple[str, ...] = ()
    senders: Mapping[str, int] = field(default_factory=dict)
    fates: Mapping[Fate, int] = field(default_factory=dict)
    strays: frozenset[str] = frozenset()
    mails: int = 0
    orphans: int = 0
    marks: int = 0
    labelled: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing is to be written."""
        return not (self.cards or self.strays or self.marks or self.orphans)

    def text(self) -> Iterator[str]:
        """It in lines for a terminal."""
        if self.is_empty:
            yield "Nothing to take back: nothing that Mailroom did is left in this account."
        if self.cards:
            yield f"senders: {len(self.cards)}"
            yield from (
                f"  {count:6} in {shown(name) if name else 'no category any more'}"
                for name, count in self.senders.items()
            )
            yield f"their mail, back to the Screener: {self.mails - self.orphans}"
            yield "their contacts:"
            yield from (f"  {count:6} {fate}" for fate, count in self.fates.items())
        if self.orphans:
            yield (
                "mail in the categories' mailboxes whose sender has no contact (any more),"
                f" back to the Screener: {self.orphans}"
            )
        if self.strays:
            yield f"members of groups who have no contact, out of the groups: {len(self.strays)}"
        if self.marks:
            yield f"mail that loses Mailroom's own labels and keywords: {self.marks}"
        if self.labelled:
            yield f"mail that bears a triage label, left as it is: {self.labelled}"
            yield "  (nothing was done about it so far; `mailroom triage` would)"

    def advice(self, account: str) -> str:
        """What to do about it; ``account`` is the name of one of several."""
        if self.seen is None:
            return _NOTHING
        return _DONE if self.is_empty else _NOT_YET.format(command=_command(account))

    def data(self) -> dict[str, Any]:
        """It as JSON data."""
        senders = {name: count for name, count in self.senders.items() if name != UNDECIDED}
        return {
            "senders": {"total": len(self.cards), "by_category": senders},
            "contacts": {each.name.lower(): self.fates.get(each, 0) for each in Fate},
            "members_without_contact": len(self.strays),
            "mails": self.mails,
            "marks": self.marks,
            "labelled": self.labelled,
        }


@dataclass(slots=True)
class Outcome:
    """What became of it.

    Attributes:
        senders: how many were taken back, with all of their mail.
        mails: how many went to the Screener.
        marks: how many mails lost labels and keywords.
        failures: what was left as it was -> why.
    """

    senders: int = 0
    mails: int = 0
    marks: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Everything was done."""
        return not self.failures

    def text(self) -> Iterator[str]:
        """What went wrong, in lines for a terminal."""
        yield from (f"FAILED {shown(what)}: {shown(why)}" for what, why in self.failures.items())

    def data(self) -> dict[str, Any]:
        """It as JSON data."""
        done = {"senders": self.senders, "mails": self.mails, "marks": self.marks}
        return {"done": done, "failures": dict(self.failures)}

    def summary(self, account: str) -> str:
        """What was done, and what to do then; ``account`` is the name of one of several."""
        done = f"Taken back: senders {self.senders}, mails {self.mails}, marks {self.marks}."
        rest = _DONE if self.is_complete else _REST.format(command=_command(account))
        return f"{done}\n{rest}"
