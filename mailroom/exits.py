"""The exit codes of all commands."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes.

    ``OK``: done, or asked to stop. ``FAILED``: the server could not be used for too long.
    ``CONFIGURATION``: a mistake in the settings; starting again does not help. ``CREDENTIALS``: the
    server refuses the credentials, or they may only read; commands end with this code, but the
    service waits for better credentials. ``INCOMPLETE``: the account lacks mailboxes or contact
    groups that ``mailroom setup --apply`` would make.
    """

    OK = 0
    FAILED = 1
    CONFIGURATION = 2
    CREDENTIALS = 3
    INCOMPLETE = 4
