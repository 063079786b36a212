"""The address books of an account over JMAP (RFC 9610 section 2), and the choice of one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailroom.contacts.jscontact.fields import text
from mailroom.contacts.model import AddressBookError, ReadOnlyAddressBookError
from mailroom.jmap.methods import get
from mailroom.jmap.request import Operation


@dataclass(frozen=True, slots=True)
class Book:
    """An address book (RFC 9610 section 2)."""

    id: str
    name: str
    is_default: bool
    is_writable: bool


def get_books(account_id: str) -> Operation[tuple[Book, ...]]:
    """Return the operation that reads every address book of the account."""

    def book_in(value: Any) -> Book | None:
        """Parse an address book; None if it has no id."""
        if not isinstance(value, dict) or not text(value.get("id")):
            return None
        rights = value.get("myRights")
        return Book(
            id=value["id"],
            name=text(value.get("name")),
            is_default=value.get("isDefault") is True,
            is_writable=not isinstance(rights, dict) or rights.get("mayWrite") is not False,
        )

    reading = get("AddressBook", account_id, None, book_in)
    return Operation(
        reading.calls,
        lambda results: tuple(book for book in reading.read(results).objects if book is not None),
    )


def choose_book(books: Sequence[Book], wanted: str) -> Book:
    """Choose the address book for new cards and groups.

    That is the one that the settings name. Without such a setting, it is the server's default one;
    without a writable default one, the only writable one.

    Args:
        books: every address book.
        wanted: the name or id from the settings; empty: not set.

    Raises:
        ReadOnlyAddressBookError: the user may not write to the wanted address book, or to any.
        AddressBookError: the wanted one was not found, or a person must choose one of several.
    """
    names = ", ".join(sorted(repr(book.name or book.id) for book in books)) or "none"
    if wanted:
        named = [book for book in books if wanted == book.id] or [
            book for book in books if book.name.casefold() == wanted.casefold()
        ]
        if len(named) != 1:
            many = "several address books are" if named else "no address book is"
            raise AddressBookError(f"{many} called {wanted!r}; there are: {names}")
        if not named[0].is_writable:
            raise ReadOnlyAddressBookError(f"the user may not write to address book {wanted!r}")
        return named[0]
    writable = [book for book in books if book.is_writable]
    if not writable:
        raise ReadOnlyAddressBookError(
            f"the user may not write to any address book; there are: {names}"
        )
    suitable = [book for book in writable if book.is_default] or writable
    if len(suitable) > 1:
        names = ", ".join(sorted(repr(book.name or book.id) for book in suitable))
        raise AddressBookError(
            f"the user may write to several address books: {names}; set"
            " MAILROOM_CONTACTS_ADDRESS_BOOK to the name or id of one"
        )
    return suitable[0]
