"""Compares the mail and contact of a subject with the expected outcome. Pure."""

from collections import Counter
from dataclasses import dataclass

from mailroom.contacts.model import Card
from mailroom.contacts.note import triage_lines
from mailroom.demo.layout import counted
from mailroom.demo.mailbox import Subject


@dataclass(frozen=True, slots=True)
class Sighting:
    """The mail and contact of a sender, a mailing list or a whole domain in the account.

    Attributes:
        about: the sender, the list or the domain.
        mails: the mailboxes of every mail, oldest first.
        card: the contact; None if there is none.
        groups: the names of the contact's groups.
    """

    about: Subject
    mails: tuple[frozenset[str], ...]
    card: Card | None
    groups: frozenset[str]

    def last_note(self) -> str:
        """Return Mailroom's last line in the contact's note; empty if there is none."""
        lines = triage_lines(self.card.note) if self.card else ()
        return lines[-1].text if lines else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The expected state: every mail in exactly these mailboxes, the contact in these groups.

    Attributes:
        mails: the number of mails.
        mailboxes: the mailboxes of every mail.
        groups: the groups of the contact; empty if there is no contact.
        note: the beginning of Mailroom's last line in the contact's note.
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
    """Return a line for every difference."""
    name, lines = seen.about.name, []
    if len(seen.mails) != outcome.mails:
        lines.append(f"{name} has {counted(len(seen.mails), 'mail')}, not {outcome.mails}")
    for mailboxes, number in Counter(seen.mails).items():
        if mailboxes != outcome.mailboxes:
            where = f"{listed(mailboxes)}, not in {listed(outcome.mailboxes)}"
            lines.append(f"{number} of {name}'s mails in {where}")
    if seen.groups != outcome.groups:
        groups = f"{listed(seen.groups)}, not {listed(outcome.groups)}"
        lines.append(f"{name} is in the groups {groups}")
    if (seen.card is None) != (not outcome.groups):
        lines.append(f"{name} is {'no' if seen.card is None else 'a'} contact")
    if seen.card is None:
        return lines
    if not seen.last_note().startswith(outcome.note):
        lines.append(f"{name}'s note ends in {seen.last_note()!r}, not {outcome.note!r}")
    names = seen.card.names
    if (names.full, names.given, names.surname) != (name, outcome.given, outcome.surname):
        called = f"{names.full}, {names.given!r}, {names.surname!r}"
        lines.append(f"{name}'s contact is called {called}")
    return lines


def listed(names: frozenset[str]) -> str:
    """Return names in order, for people."""
    return ", ".join(sorted(names)) or "none"
