"""The failed edits of one :meth:`mailroom.contacts.book.AddressBook.write`."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from mailroom.contacts.model import AddressBookError, ContactEdit
from mailroom.http import CredentialsRefusedError, HttpError
from mailroom.jmap.errors import JmapError


class EditReport:
    """Records which edits failed, and why.

    Args:
        edits: all edits, with unique keys.
        statuses_of_cards: HTTP statuses that a server uses for a problem with one card, for example
            500. Other error statuses mean a problem of the whole server.

    Attributes:
        failures: key -> the reason of a failed edit.
    """

    def __init__(
        self, edits: Collection[ContactEdit], *, statuses_of_cards: Collection[int] = ()
    ) -> None:
        self._edit_count = len(edits)
        self._statuses_of_cards = statuses_of_cards
        self.failures: dict[str, Exception] = {}

    def fail(self, keys: Iterable[str], error: Exception) -> None:
        """Record the failure of some edits."""
        self.failures |= dict.fromkeys(keys, error)

    @contextmanager
    def failing(self, *keys: str) -> Iterator[None]:
        """Record an error of HTTP, JMAP or the address book as the failure of some edits.

        Raises:
            CredentialsRefusedError: refused credentials concern the account, and not some edits.
        """
        try:
            yield
        except CredentialsRefusedError:
            raise
        except (HttpError, JmapError, AddressBookError) as error:
            self.fail(keys, error)

    def raise_if_nothing_worked(self) -> None:
        """Raise the first error if every edit failed because the server as a whole failed.

        A refusal of a single card or group (:class:`AddressBookError`, :class:`JmapError`) is not
        raised.

        Raises:
            HttpError: no edit succeeded, because the server failed or cannot be reached.
        """
        server_errors = [
            error
            for error in self.failures.values()
            if isinstance(error, HttpError)
            and getattr(error, "status", None) not in self._statuses_of_cards
        ]
        if server_errors and len(server_errors) == self._edit_count:
            raise server_errors[0]
