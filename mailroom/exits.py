"""The exit codes of all commands."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes.

    Attributes:
        OK: done, or stopped by a signal.
        FAILED: too many passes of the service failed, or a command could not do all of its work.
        CONFIGURATION: a mistake in the settings; starting again does not help.
        CREDENTIALS: the server refuses the credentials, or they may only read. Commands end with
            this code; the service waits for better credentials.
        INCOMPLETE: mailboxes, contact groups or the address book are missing; ``mailroom setup
            --apply`` makes them.
    """

    OK = 0
    FAILED = 1
    CONFIGURATION = 2
    CREDENTIALS = 3
    INCOMPLETE = 4
