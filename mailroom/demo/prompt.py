"""The visitor's turn: commands at a prompt, until there are no more."""

from collections.abc import Awaitable, Callable

from mailroom.demo.commands import COMMANDS, Command, MisunderstoodError, choose, parse
from mailroom.demo.lines import Lines
from mailroom.demo.mailbox import Letter, Sender, further_subjects, strangers
from mailroom.demo.play import filled_mailboxes, numbered
from mailroom.demo.stage import Stage
from mailroom.demo.telling import Teller
from mailroom.sandbox import SeenMail

_Do = Callable[[Command], Awaitable[None]]


class Prompt:
    """Reads commands and carries them out.

    Args:
        stage: with the service at work.
        teller: who tells what comes of them.
        lines: where they come from.
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
        """Go on until the visitor quits, or there is nothing more to read.

        Raises:
            WentOtherwiseError: a tap is not dealt with.
        """
        self._teller.heading("Now you. Beginnings of words will do.")
        self._teller.commands(COMMANDS.values())
        while (line := await self._ask()) is not None:
            try:
                command = parse(line)
                if command and command.name == "quit":
                    return
                if command:
                    await self._do[command.name](command)
            except MisunderstoodError as error:
                self._teller.say(str(error))

    async def _ask(self) -> str | None:
        self._teller.prompt()
        line = await self._lines.next()
        if line is None or not self._lines.is_terminal:
            self._teller.end_line(line or "")
        return line

    async def _list(self, command: Command) -> None:
        paths = {path: path for path in self._stage.desk.mailboxes()}
        screener = self._stage.settings.screener.mailbox
        path = choose(command.words, paths, "mailbox") if command.words else screener
        self._teller.mailbox(path, numbered(self._stage, self._stage.desk.mails(path)))
        others = [each for each in filled_mailboxes(self._stage) if each[0] != path]
        self._teller.elsewhere(others)

    async def _tap(self, command: Command) -> None:
        mail = self._mail_of(command, "tap 11 imbox")
        if not command.words:
            raise MisunderstoodError("Which label? For example: tap 11 imbox")
        label = choose(command.words, self._labels(), "label")
        self._teller.tapped(self._stage.number(mail), mail, add=[label])
        before = await self._stage.see(_sender(mail))
        self._teller.done(await self._stage.tap(mail.id, add=[label]))
        self._teller.moved(before, await self._stage.see(_sender(mail)))

    def _labels(self) -> dict[str, str]:
        """What a person may call a label -> the label."""
        screener = self._stage.settings.screener
        named = {each.name: each.label for each in self._stage.settings.categories}
        named[screener.mailbox] = screener.label
        return named | {label: label for label in named.values()}

    async def _mail(self, command: Command) -> None:
        if command.number is None:
            letter = next(self._strangers)
        else:
            sender = _sender(self._mail_of(command, "mail 1"))
            letter = Letter(sender, next(self._subjects))
        seconds = await self._stage.deliver(letter)
        mail = self._stage.newest
        self._teller.arrived(self._stage.number(mail), mail, seconds)

    async def _sender(self, command: Command) -> None:
        mail = self._mail_of(command, "sender 1")
        self._teller.sighting(await self._stage.see(_sender(mail)))

    async def _contacts(self, _: Command) -> None:
        self._teller.contacts(await self._stage.see_contacts())

    async def _help(self, _: Command) -> None:
        self._teller.commands(COMMANDS.values())
        labels = ", ".join(sorted(self._stage.labels()))
        self._teller.say(f"Labels: {labels}")

    def _mail_of(self, command: Command, example: str) -> SeenMail:
        if command.number is None:
            raise MisunderstoodError(f"Which mail? They have numbers: {example}")
        mail = self._stage.by_number(command.number)
        if mail is None:
            raise MisunderstoodError(
                f"There is no mail {command.number}; they go from 1 to {self._stage.delivered}."
            )
        return mail


def _sender(mail: SeenMail) -> Sender:
    return Sender(mail.sender, mail.address)
