"""The commands. No logic: each reads its options, calls a function, prints, and exits."""

import sys

from mailroom.cli import account, decisions
from mailroom.cli.app import app
from mailroom.command import remark
from mailroom.exits import Exit
from mailroom.output import OutputError, guard_output

__all__ = ["account", "app", "decisions", "main"]


def main() -> None:
    """Run the command line."""
    guard_output()
    try:
        app()
    except OutputError as error:
        if not error.reader_has_gone:
            remark(str(error))
        sys.exit(Exit.FAILED)
