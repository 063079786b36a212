"""The expected failures of work on an account, and their exit codes."""

from typing import Final

from mailroom.contacts.model import (
    AddressBookError,
    NoAddressBookError,
    ReadOnlyAddressBookError,
)
from mailroom.exits import Exit
from mailroom.http import CredentialsRefusedError, HttpError, InsecureUrlError, RedirectError
from mailroom.jmap.errors import JmapError, SessionError, is_read_only
from mailroom.screener.model.missing import MissingError, NoRightToWriteError, UnsuitableError

EXPECTED: Final = (
    HttpError,
    JmapError,
    AddressBookError,
    MissingError,
    UnsuitableError,
    NoRightToWriteError,
)
"""The expected failures of a pass; any other exception is a mistake in Mailroom."""


def exit_code(error: BaseException) -> Exit:
    """Return the exit code for a failure.

    A token that may only read has the code of refused credentials: a new token mends both.
    """
    match error:
        case CredentialsRefusedError() | NoRightToWriteError() | ReadOnlyAddressBookError():
            return Exit.CREDENTIALS
        case _ if is_read_only(error):
            return Exit.CREDENTIALS
        case MissingError():
            return Exit.INCOMPLETE
        case NoAddressBookError(homes=(_, *_)):
            return Exit.INCOMPLETE  # `mailroom setup --apply` makes the first address book
        # The settings do not fit the server: another URL, address book or mailbox is needed.
        case (
            InsecureUrlError()
            | RedirectError()
            | SessionError()
            | AddressBookError()
            | UnsuitableError()
        ):
            return Exit.CONFIGURATION
        case _:
            return Exit.FAILED
