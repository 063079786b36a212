"""The traces of Mailroom in an account, and the outcome of a reset, as text and data. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from mailroom.contacts.model import Card, ContactEdit, DeleteCard, UpdateCard
from mailroom.contacts.note import triage_lines
from mailroom.report import printable
from mailroom.report.common import account_option
from mailroom.screener.passes.gather import GatheredMail

UNDECIDED: Final = ""
"""Used in place of a category's name for a contact that is in no category any more."""

_NOTHING: Final = "Mailroom's mailboxes for labels and its contact groups do not exist, either."
_NOT_YET: Final = """\
Nothing was changed. Stop Mailroom where it runs, and switch off the rules at your provider that do
its work: both would go on filing mail. Then run `{command}` to take all of this back. If it is
interrupted, run it again: it goes on where it stopped."""
_DONE: Final = """\
Mailroom's mailboxes and contact groups are still there. Before you delete them in your mail app,
move the mail in the Screener to the Inbox or the archive: mail that is in no other mailbox is
deleted with its mailbox. While Mailroom or rules at your provider run, mail is still screened and
filed."""
_REST: Final = "The things that failed are unchanged: run `{command}` again."


class CardTreatment(StrEnum):
    """The treatment of a card by a reset."""

    DELETED = "deleted: Mailroom made it, and nobody touched it"
    STRIPPED = "kept, without what Mailroom wrote on it"
    RELEASED = "kept as it is, and removed from the groups"


def _command(account: str) -> str:
    """Return the command that resets this account, and no other."""
    return "mailroom reset --apply" + account_option(account)


def has_traces(card: Card) -> bool:
    """Return True if Mailroom has written on a card."""
    return card.made_by_us or card.filled_by_us or bool(triage_lines(card.note))


def can_be_stripped(card: Card) -> bool:
    """Return True if Mailroom has written on a card and may remove its traces.

    Over JMAP a card that somebody else made or edited is not changed: traces that were written
    over CardDAV can only be removed over CardDAV.
    """
    return card.is_editable and has_traces(card)


def treatment_of(edit: ContactEdit) -> CardTreatment:
    """Return the treatment of a card by an edit that takes a decision back."""
    match edit.card:
        case DeleteCard():
            return CardTreatment.DELETED
        case UpdateCard(card=card) if can_be_stripped(card):
            return CardTreatment.STRIPPED
        case _:
            return CardTreatment.RELEASED


@dataclass(frozen=True, slots=True)
class Traces:
    """The traces of Mailroom that a reset would remove.

    Attributes:
        gathered: the account's mailboxes; None if there is no trace of Mailroom.
        cards: the ids of the cards in Mailroom's groups or with Mailroom's traces on them.
        senders: category name -> how many of these contacts are in it.
        treatments: treatment -> how many cards get it.
        strays: uids in Mailroom's groups whose cards were deleted.
        mails: how many mails go back to the Screener.
        orphans: how many of these mails are from senders who have no contact any more.
        mail_traces: how many mails bear the error or warning label, or a keyword of Mailroom's.
        labelled: how many mails bear a triage label, which a person has put on.
    """

    gathered: GatheredMail | None = None
    cards: tuple[str, ...] = ()
    senders: Mapping[str, int] = field(default_factory=dict)
    treatments: Mapping[CardTreatment, int] = field(default_factory=dict)
    strays: frozenset[str] = frozenset()
    mails: int = 0
    orphans: int = 0
    mail_traces: int = 0
    labelled: int = 0

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to take back."""
        return not (self.cards or self.strays or self.mail_traces or self.orphans)

    def text(self) -> Iterator[str]:
        """Return the traces in lines for a terminal."""
        if self.is_empty:
            yield "Nothing to take back: nothing that Mailroom did is left in this account."
        if self.cards:
            yield f"senders: {len(self.cards)}"
            yield from (
                f"  {count:6} in {printable(name) if name else 'no category any more'}"
                for name, count in self.senders.items()
            )
            yield f"their mail, back to the Screener: {self.mails - self.orphans}"
            yield "their contacts:"
            yield from (f"  {count:6} {treatment}" for treatment, count in self.treatments.items())
        if self.orphans:
            yield (
                "mail in the categories' mailboxes whose sender has no contact (any more),"
                f" back to the Screener: {self.orphans}"
            )
        if self.strays:
            strays = len(self.strays)
            yield f"group members whose contact was deleted, removed from the groups: {strays}"
        if self.mail_traces:
            yield f"mail that loses Mailroom's own labels and keywords: {self.mail_traces}"
        if self.labelled:
            yield f"mail that bears a triage label, left as it is: {self.labelled}"
            yield "  (`mailroom triage` would file it)"

    def advice(self, account: str) -> str:
        """Return the next step for the user; ``account`` is the name of one of several accounts."""
        if self.gathered is None:
            return _NOTHING
        return _DONE if self.is_empty else _NOT_YET.format(command=_command(account))

    def data(self) -> dict[str, Any]:
        """Return the traces as JSON data."""
        senders = {name: count for name, count in self.senders.items() if name != UNDECIDED}
        return {
            "senders": {"total": len(self.cards), "by_category": senders},
            "contacts": {
                treatment.name.lower(): self.treatments.get(treatment, 0)
                for treatment in CardTreatment
            },
            "members_without_contact": len(self.strays),
            "mails": self.mails,
            "marks": self.mail_traces,
            "labelled": self.labelled,
        }


@dataclass(slots=True)
class Outcome:
    """The outcome of a reset.

    Attributes:
        senders: how many senders lost their decision, after all of their mail went back.
        mails: how many mails went to the Screener.
        mail_traces: how many mails lost labels and keywords.
        failures: a mail or contact that was left as it was -> the reason.
    """

    senders: int = 0
    mails: int = 0
    mail_traces: int = 0
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """True if nothing failed."""
        return not self.failures

    def text(self) -> Iterator[str]:
        """Return the failures in lines for a terminal."""
        for subject, reason in self.failures.items():
            yield f"FAILED {printable(subject)}: {printable(reason)}"

    def data(self) -> dict[str, Any]:
        """Return the outcome as JSON data."""
        done = {"senders": self.senders, "mails": self.mails, "marks": self.mail_traces}
        return {"done": done, "failures": dict(self.failures)}

    def summary(self, account: str) -> str:
        """Return the counts and the next step; ``account`` is the name of one of several."""
        done = f"Taken back: senders {self.senders}, mails {self.mails}, marks {self.mail_traces}."
        rest = _DONE if self.is_complete else _REST.format(command=_command(account))
        return f"{done}\n{rest}"
