"""The command that asks a running service for its health."""

import sys

from mailroom.admin.probe import probe
from mailroom.exits import Exit
from mailroom.terminal.output import say


def health() -> None:
    """Ask the service on this machine if it is well."""
    answer = probe()
    say(answer.text)
    sys.exit(Exit.OK if answer.is_well else Exit.FAILED)
