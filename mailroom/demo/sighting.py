"""What can be seen of a sender in the account, and how it differs from what should be. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from mailroom.contacts.model import Card
from mailroom.contacts.note import triage_lines
from mailroom.demo.layout import counted
from mailroom.demo.mailbox import Sender


@dataclass(frozen=True, slots=True)
class Sighting:
    """A sender's traces in the account.

    Attributes:
        sender: who.
        mails: the mailboxes of every mail, oldest first.
        card: the contact, None if there is none.
        groups: names of the contact groups it is in.
    """

    sender: Sender
    mails: tuple[frozenset[str], ...]
    card: Card | None
    groups: frozenset[str]

    def last_note(self) -> str:
        """The last line that Mailroom wrote into the contact's note; empty if there is none."""
        lines = triage_lines(self.card.note) if self.card else ()
        return lines[-1].text if lines else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What should be seen: every mail in exactly these mailboxes, the contact in these groups.

    Attributes:
        mails: how many there are.
        mailboxes: where each is.
        groups: none stands for: there is no contact.
        note: how the last line of Mailroom's in the contact's note begins.
        given: the contact's given name.
        surname: the contact's surname.
    """

    mails: int
    mailboxes: frozenset[str]
    groups: frozenset[str] = frozenset()
    note: str = ""
    given: str = ""
    surname: str = ""


def differences(seen: Sighting, outcome: Outcome) -> list[str]:
    """A line for everything that is otherwise than it should be; empty if nothing is."""
    return [*_mail_differences(seen, outcome), *_contact_differences(seen, outcome)]


def _mail_differences(seen: Sighting, outcome: Outcome) -> Iterator[str]:
    who = seen.sender.name
    if len(seen.mails) != outcome.mails:
        yield f"{who} has {counted(len(seen.mails), 'mail')}, not {outcome.mails}"
    for mailboxes, number in Counter(seen.mails).items():
        if mailboxes != outcome.mailboxes:
            where = listed(mailboxes)
            yield f"{number} of {who}'s mails in {where}, not in {listed(outcome.mailboxes)}"


def _contact_differences(seen: Sighting, outcome: Outcome) -> Iterator[str]:
    who = seen.sender.name
    if seen.groups != outcome.groups:
        yield f"{who} is in the groups {listed(seen.groups)}, not {listed(outcome.groups)}"
    if (seen.card is None) != (not outcome.groups):
        yield f"{who} is {'no' if seen.card is None else 'a'} contact"
    if seen.card is None:
        return
    if not seen.last_note().startswith(outcome.note):
        yield f"{who}'s note ends in {seen.last_note()!r}, not {outcome.note!r}"
    names = seen.card.names
    if (names.full, names.given, names.surname) != (who, outcome.given, outcome.surname):
        yield f"{who}'s contact is called {names.full}, {names.given!r}, {names.surname!r}"


def listed(names: frozenset[str]) -> str:
    """Names in order, for a person."""
    return ", ".join(sorted(names)) or "none"
