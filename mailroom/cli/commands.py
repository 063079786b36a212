"""The table of all commands: their names, help and options, and the functions that run them.

A function is imported only if its command runs, so that the service loads nothing of the other
commands, and ``mailroom health`` loads next to nothing.
"""

import argparse
import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from mailroom.admin.defaults import DEFAULT_LIMIT
from mailroom.cli.parser import Parser


@dataclass(frozen=True, slots=True)
class Option:
    """An option, or an argument if its name has no hyphens; ``keywords`` are argparse's."""

    name: str
    keywords: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        function: the function that runs it, like ``mailroom.cli.service:run``.
        help: its purpose; the list of commands shows the first sentence.
        options: its options and arguments, which become the function's keyword arguments.
    """

    function: str
    help: str
    options: tuple[Option, ...] = ()

    def parser(self, name: str) -> Parser:
        """Return the parser of the command with this name."""
        parser = Parser(f"mailroom {name}", self.help)
        for option in self.options:
            group = parser.options if option.name.startswith("-") else parser.arguments
            group.add_argument(option.name, **option.keywords)
        return parser

    def run(self, options: Mapping[str, Any]) -> None:
        """Run the command, which exits with an exit code."""
        self.load()(**options)

    def load(self) -> Callable[..., None]:
        """Import the function; faster without the garbage collector, which would find nothing."""
        module, _, function = self.function.partition(":")
        gc.disable()
        try:
            loaded: Callable[..., None] = getattr(import_module(module), function)
        finally:
            gc.enable()
        return loaded


def _option(name: str, help: str, **keywords: Any) -> Option:  # noqa: A002 - argparse's name
    return Option(name, {"help": help, **keywords})


def _flag(name: str, help: str, **keywords: Any) -> Option:  # noqa: A002 - argparse's name
    return _option(name, help, action="store_true", **keywords)


def _at_least_one(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number of at least 1: {text!r}")


def _existing_file(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a directory")
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return path


_WHO: Final = _option(
    "who", "An address, a whole domain (*@corp.example), or a List-Id.", metavar="WHO"
)
_ACCOUNT: Final = _option("--account", "Only this one of several accounts.", metavar="NAME")
_JSON: Final = _flag("--json", "Print data instead of text.", dest="as_json")

COMMANDS: Final[Mapping[str, Command]] = {
    "run": Command("mailroom.cli.service:run", "Run the service."),
    "check": Command(
        "mailroom.cli.account:check",
        "Check settings, servers, mailboxes, groups and push. Change nothing.",
        (_ACCOUNT, _flag("--notice", "Send a test notice."), _JSON),
    ),
    "setup": Command(
        "mailroom.cli.account:setup",
        "Show (or create) missing mailboxes and contact groups.",
        (_ACCOUNT, _flag("--apply", "Create them.")),
    ),
    "triage": Command(
        "mailroom.cli.account:triage",
        "Run one pass and exit.",
        (_ACCOUNT, _flag("--dry-run", "Only print what would be done."), _JSON),
    ),
    "explain": Command(
        "mailroom.cli.account:explain",
        "Show a sender's contact and mail, and where new mail goes.",
        (_WHO, _ACCOUNT, _JSON),
    ),
    "reset": Command(
        "mailroom.cli.account:reset",
        "Show (or undo) everything that Mailroom did to mail and contacts.",
        (_ACCOUNT, _flag("--apply", "Undo it."), _JSON),
    ),
    "health": Command(
        "mailroom.cli.health:health",
        "Ask the service on this machine if it is well. Exit with 0 if it is, else with 1.",
    ),
    "demo": Command(
        "mailroom.cli.demo:demo",
        "Show Mailroom at work on an account in memory. Needs no settings and no credentials.",
        (_flag("--once", "End after the script."),),
    ),
    "waiting": Command(
        "mailroom.cli.decisions:waiting",
        "Show who waits for a decision, newest first.",
        (_ACCOUNT, _JSON),
    ),
    "decided": Command(
        "mailroom.cli.decisions:decided",
        "Show the senders that you have decided on, newest first.",
        (
            _option(
                "search",
                "A part of a name, address or List-Id.",
                metavar="SEARCH",
                nargs="?",
                default="",
            ),
            _option("--category", "Only this category.", metavar="NAME"),
            _ACCOUNT,
            _JSON,
        ),
    ),
    "decide": Command(
        "mailroom.cli.decisions:decide",
        "Decide on a sender, a whole domain or a mailing list.",
        (
            _WHO,
            _option("category", "The name of a category, or: spam.", metavar="CATEGORY"),
            _ACCOUNT,
            _JSON,
        ),
    ),
    "undo": Command(
        "mailroom.cli.decisions:undo",
        "Take back the decision on a sender, domain or mailing list.",
        (_WHO, _ACCOUNT, _JSON),
    ),
    "clear": Command(
        "mailroom.cli.decisions:clear",
        "Show (or move) waiting mail that can go to the archive. Decide nothing.",
        (
            _option("--older", "Only mail that is older, like 30d.", metavar="AGE", default=""),
            _ACCOUNT,
            _flag("--apply", "Move it."),
            _JSON,
        ),
    ),
    "import": Command(
        "mailroom.cli.decisions:import_file",
        "Decide on everybody in a file.",
        (
            _option(
                "file",
                "A text with an address, a *@domain or a List-Id on each line, or the JSON of"
                " `hey screener history --all --json`.",
                metavar="FILE",
                type=_existing_file,
            ),
            _option("--to", "The category, or: spam.", metavar="CATEGORY", required=True),
            _ACCOUNT,
            _JSON,
        ),
    ),
    "suggest": Command(
        "mailroom.cli.decisions:suggest",
        "Propose categories for the senders with the most mail. Read the mail of the last year.",
        (
            _ACCOUNT,
            _option(
                "--limit",
                f"The largest number of proposals (default: {DEFAULT_LIMIT}).",
                metavar="N",
                type=_at_least_one,
                default=DEFAULT_LIMIT,
            ),
            _option("--apply", "Decide: all, 1,3,7-9, or senders.", metavar="TICKS"),
            _JSON,
        ),
    ),
}
