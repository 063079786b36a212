"""The command that shows Mailroom at work."""

import sys

from mailroom.demo import run_demo


def demo(*, once: bool) -> None:
    """Show Mailroom at work on an account in memory."""
    sys.exit(run_demo(once=once))
