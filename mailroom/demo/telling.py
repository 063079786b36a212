"""Prints the events of the demo on the terminal, at most 80 columns wide, in colour if wanted."""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import Final, TextIO

from mailroom.contacts.model import Card
from mailroom.demo.layout import (
    INDENT,
    columns,
    counted,
    fact,
    milliseconds,
    paragraph,
    visible,
)
from mailroom.demo.mailbox import YOU
from mailroom.demo.script import LABEL_OFF
from mailroom.demo.sighting import Sighting, listed
from mailroom.sandbox import SeenMail
from mailroom.terminal.output import say

WIDTH: Final = 80
_BOLD, _DIM, _RED, _GREEN, _CYAN = "1", "2", "31", "32", "36"
"""Codes of ECMA-48 (Select Graphic Rendition)."""
_OPENING: Final = (
    "You are Alex. Mail from people you have never heard of waits in your Screener; you tap"
    " labels on it, and Mailroom does the rest. The service is the real one, and so are the"
    " times. Mail server and people are made up: nothing leaves this machine or stays on it."
)
_GOODBYE: Final = "Goodbye. Nothing is left behind. To run it on your own account: README.md"


def on_terminal() -> bool:
    """Return True if the standard output is a terminal; False if it is not, or is closed."""
    output: TextIO | None = sys.stdout
    return output is not None and output.isatty()


class Teller:
    """Prints on the standard output."""

    def __init__(self) -> None:
        is_terminal = on_terminal()
        self._width = min(WIDTH, shutil.get_terminal_size().columns) if is_terminal else WIDTH
        self._color = is_terminal and not os.environ.get("NO_COLOR")
        if isinstance(sys.stdout, TextIOWrapper):  # its encoding may lack what a visitor types
            sys.stdout.reconfigure(errors="backslashreplace")

    def _print(self, lines: Iterable[str], style: str = "") -> None:
        for line in lines:
            say(self._styled(line, style))

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if style and self._color else text

    def say(self, text: str) -> None:
        """Print a paragraph."""
        self._print(paragraph(text, self._width))

    def heading(self, text: str) -> None:
        """Print a heading."""
        self._print(["", *paragraph(text, self._width)], _BOLD)

    def _fact(self, name: str, value: str, style: str = "") -> None:
        self._print(fact(name, value, self._width), style)

    def _rows(self, rows: Iterable[Sequence[str]]) -> None:
        self._print(columns(rows, self._width) or [f"{INDENT}nothing"])

    # The frame

    def opening(self) -> None:
        """Print the introduction."""
        self._print(["Mailroom: HEY's Screener for any JMAP mail account"], _BOLD)
        self.say(_OPENING)

    def account(self, url: str) -> None:
        """Print the address of the account."""
        self.heading("Getting ready")
        self._fact("account", f"{YOU}, by JMAP at {url}")

    def created(self, *, mailboxes: int, groups: int) -> None:
        """Print the result of the setup."""
        created = counted(mailboxes, "mailbox", "mailboxes")
        self._fact("setup", f"{created} (labels are mailboxes), {counted(groups, 'contact group')}")

    def serving(self, transport: str, health_url: str, page_url: str) -> None:
        """Print the addresses of the running service."""
        self._fact("service", f"listens to push ({transport})")
        self._fact("health", health_url)
        self._fact("page", page_url)

    def goodbye(self) -> None:
        """Print the last words."""
        self._print([""])
        self.say(_GOODBYE)

    def failed(self, lines: Iterable[str], log: Iterable[str]) -> None:
        """Print the reasons of a failure, and the end of the log."""
        self.heading("This was not expected:")
        for line in lines:
            self._print(paragraph(line, self._width, indent=INDENT), _RED)
        self.heading("What the service logged last:")
        for line in log:
            self._print(paragraph(line, self._width, indent=INDENT), _DIM)

    # The account

    def mails(self, mails: Iterable[tuple[int, SeenMail]]) -> None:
        """Print mails with their numbers."""
        self._rows((f"{number:2}", mail.sender, mail.subject) for number, mail in mails)

    def mailbox(self, path: str, mails: Iterable[tuple[int, SeenMail]]) -> None:
        """Print a mailbox and its mails."""
        self._print([path], _BOLD)
        self.mails(mails)

    def counts(self, counts: Iterable[tuple[str, int]]) -> None:
        """Print mailboxes with the number of their mails."""
        self._rows((path, counted(number, "mail")) for path, number in counts)

    def elsewhere(self, counts: Iterable[tuple[str, int]]) -> None:
        """Print the other mailboxes."""
        listing = ", ".join(f"{path} {number}" for path, number in counts)
        self._print(paragraph(f"Elsewhere: {listing or 'nothing'}", self._width), _DIM)

    def contacts(self, contacts: Iterable[tuple[Card, frozenset[str]]]) -> None:
        """Print contacts with their groups."""
        self._rows(
            (card.names.full, ", ".join(card.addresses), listed(groups))
            for card, groups in contacts
        )

    # Events

    def arrived(self, number: int, mail: SeenMail, seconds: float) -> None:
        """Print a mail, its mailboxes, and the seconds until it was filed."""
        self._fact("mail", f'{number}, {mail.sender}: "{mail.subject}"')
        self._fact("goes to", f"{listed(mail.mailboxes)}, after {milliseconds(seconds)}")

    def tapped(
        self, number: int, mail: SeenMail, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> None:
        """Print the tapped labels."""
        labels = " and ".join([*add, *remove])
        where = f'{"off" if remove else "on"} mail {number}, "{mail.subject}"'
        self._fact("tap", f"{labels} {where}", _CYAN)

    def done(self, seconds: float, event: str = LABEL_OFF) -> None:
        """Print the event that ended a tap, and its time."""
        self._fact("done", f"{event} after {milliseconds(seconds)}", _GREEN)

    def sighting(self, seen: Sighting) -> None:
        """Print the contact and mail of a subject."""
        self._contact(seen)
        for mailboxes, number in Counter(seen.mails).items():
            self._fact(counted(number, "mail"), f"in {listed(mailboxes)}")

    def moved(self, before: Sighting, after: Sighting) -> None:
        """Print the contact and the moved mail of a subject after a tap."""
        self._contact(after)
        moves = Counter(zip(before.mails, after.mails, strict=True))
        for (old, new), number in moves.items():
            self._fact(counted(number, "mail"), f"{listed(old)} -> {listed(new)}")

    def _contact(self, seen: Sighting) -> None:
        if seen.card is None:
            self._fact("contact", "none")
            return
        names = seen.card.names
        self._fact("contact", f"{names.full}, {seen.about.address}")
        if names.surname:
            self._fact("name", f"given name {names.given}, surname {names.surname}")
        self._fact("groups", listed(seen.groups))
        if note := seen.last_note():
            self._fact("note", note)

    # The visitor's turn

    def commands(self, commands: Iterable[tuple[str, str]]) -> None:
        """Print the commands."""
        self._rows(commands)

    def prompt(self) -> None:
        """Print the prompt."""
        sys.stdout.write(self._styled("\nmailroom> ", _BOLD))
        sys.stdout.flush()

    def end_line(self, text: str = "") -> None:
        """Print a text, and end the line of the prompt, where no visitor has pressed Enter."""
        self._print([visible(text)])
