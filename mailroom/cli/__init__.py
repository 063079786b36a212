"""The command line. No logic: each command reads its options, calls a function, and exits."""

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from mailroom import __version__
from mailroom.cli.commands import COMMANDS
from mailroom.cli.parser import Parser, hint
from mailroom.exits import Exit
from mailroom.terminal.output import OutputError, guard_output, remark

__all__ = ["main", "run_command"]

_PURPOSE: Final = "HEY's Screener for any JMAP mail account. Without a command, run the service."

_INTERRUPTED: Final = 130
"""The exit code of a program that a user has ended, by the custom of shells: 128 + SIGINT."""


def main() -> None:
    """Run the command line."""
    guard_output()
    try:
        run_command(sys.argv[1:])
    except OutputError as error:
        if not error.reader_has_gone:
            remark(str(error))
        sys.exit(Exit.FAILED)
    except KeyboardInterrupt:
        remark("\nAborted!")
        sys.exit(_INTERRUPTED)


def run_command(arguments: Sequence[str]) -> None:
    """Run the command that ``arguments`` begin with, then exit; without one, run the service."""
    width = max(map(len, COMMANDS))
    lines = (
        f"  {name:{width}}  {command.help.partition('. ')[0].removesuffix('.')}."
        for name, command in COMMANDS.items()
    )
    parser = Parser(
        "mailroom",
        _PURPOSE,
        usage="mailroom [OPTIONS] [COMMAND ...]",
        epilog="\n".join(["Commands:", *lines]),
    )
    version = f"mailroom {__version__}"
    parser.options.add_argument(
        "--version", action="version", version=version, help="Print the version."
    )
    # A command's own options are parsed when the command is known.
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    name, *rest = parser.parse(arguments).command or ["run"]
    if name not in COMMANDS:
        parser.error(f"no such command: {name}{hint(name, COMMANDS)}")
    command = COMMANDS[name]
    command.run(vars(command.parser(name).parse(rest)))
