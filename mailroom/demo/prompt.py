"""Carries out the commands that a visitor types."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from mailroom.demo.commands import COMMANDS, Command, MisunderstoodError, choose, parse, split_off
from mailroom.demo.mailbox import Domain, Subject, further_subjects, strangers
from mailroom.demo.play import filled_mailboxes, numbered
from mailroom.demo.stage import Stage
from mailroom.demo.telling import Teller
from mailroom.sandbox import SeenMail
from mailroom.terminal.input import Lines

_Do = Callable[[Command], Awaitable[None]]


class Prompt:
    """Reads commands and carries them out.

    Args:
        stage: the stage, with the service running.
        teller: prints the results.
        lines: the lines that the visitor types.
    """

    def __init__(self, stage: Stage, teller: Teller, lines: Lines) -> None:
        self._stage = stage
        self._teller = teller
        self._lines = lines
        self._strangers = strangers()
        self._subjects = further_subjects()
        self._do: dict[str, _Do] = {
            "list": self._list,
            "tap": self._tap,
            "mail": self._mail,
            "sender": self._sender,
            "contacts": self._contacts,
            "help": self._help,
        }

    async def run(self) -> None:
        """Carry out commands until the visitor quits, or the lines end.

        Raises:
            UnexpectedEventError: the service does not process a tap.
        """
        self._teller.heading("Now you. Beginnings of words will do.")
        self._teller.commands(COMMANDS.values())
        while True:
            self._teller.prompt()
            line = await self._lines.next()
            if line is None or not self._lines.is_terminal:
                self._teller.end_line(line or "")
            if line is None:
                return
            try:
                command = parse(line)
                if command and command.name == "quit":
                    return
                if command:
                    await self._do[command.name](command)
            except MisunderstoodError as error:
                self._teller.say(str(error))

    async def _list(self, command: Command) -> None:
        paths = {path: path for path in self._stage.console.mailboxes()}
        screener = self._stage.settings.screener.mailbox
        path = choose(command.words, paths, "mailbox") if command.words else screener
        self._teller.mailbox(path, numbered(self._stage, self._stage.console.mails(path)))
        counts = filled_mailboxes(self._stage)
        self._teller.elsewhere((other, count) for other, count in counts if other != path)

    async def _tap(self, command: Command) -> None:
        mail = self._mail_of(command, "tap 11 imbox")
        if not command.words:
            raise MisunderstoodError("Which label? For example: tap 11 imbox")
        # A label may be named by its category.
        screener = self._stage.settings.screener
        labels = {category.name: category.label for category in self._stage.settings.categories}
        labels |= {screener.mailbox: screener.label, "Spam": screener.spam_label}
        labels |= {label: label for label in labels.values()}
        words, scope_labels = split_off(command.words, self._scope_labels())
        letter = self._stage.letter(mail)
        if scope_labels and not words:
            raise MisunderstoodError(
                f"{scope_labels[0]} goes beside another label: tap 17 feed {scope_labels[0]}"
            )
        if len(scope_labels) > 1:
            raise MisunderstoodError("Either the whole domain or the mailing list, please.")
        about: Subject = letter.about
        if screener.domain_label in scope_labels:
            about = Domain(letter.sender.address.partition("@")[2])
        elif scope_labels and letter.mailing_list is None:
            raise MisunderstoodError("This mail came over no mailing list.")
        add = [choose(words, labels, "label"), *scope_labels]
        self._teller.tapped(self._stage.number(mail), mail, add=add)
        before = await self._stage.see(about)
        self._teller.done(await self._stage.tap(mail.id, add=add))
        self._teller.moved(before, await self._stage.see(about))

    def _scope_labels(self) -> dict[str, str]:
        """Return the labels by which a triage label decides on a whole domain or mailing list."""
        screener = self._stage.settings.screener
        return {label: label for label in (screener.domain_label, screener.list_label)}

    async def _mail(self, command: Command) -> None:
        if command.number is None:
            letter = next(self._strangers)
        else:
            earlier = self._stage.letter(self._mail_of(command, "mail 1"))
            letter = replace(earlier, subject=next(self._subjects), hours=0)
        seconds = await self._stage.deliver(letter)
        mail = self._stage.newest
        self._teller.arrived(self._stage.number(mail), mail, seconds)

    async def _sender(self, command: Command) -> None:
        mail = self._mail_of(command, "sender 1")
        self._teller.sighting(await self._stage.see(self._stage.letter(mail).about))

    async def _contacts(self, _: Command) -> None:
        self._teller.contacts(await self._stage.see_contacts())

    async def _help(self, _: Command) -> None:
        self._teller.commands(COMMANDS.values())
        labels = ", ".join(sorted(self._stage.labels()))
        scope_labels = " or ".join(self._scope_labels())
        self._teller.say(f"Labels: {labels}; beside one of them, {scope_labels}")

    def _mail_of(self, command: Command, example: str) -> SeenMail:
        if command.number is None:
            raise MisunderstoodError(f"Which mail? They have numbers: {example}")
        mail = self._stage.by_number(command.number)
        if mail is None:
            raise MisunderstoodError(
                f"There is no mail {command.number}; they go from 1 to {self._stage.delivered}."
            )
        return mail
