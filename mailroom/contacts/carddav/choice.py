"""The choice of the address book that Mailroom writes to. Pure."""

from collections.abc import Collection, Sequence
from typing import Final

from mailroom.contacts.carddav.discovery import AddressBookCollection
from mailroom.contacts.carddav.hrefs import path_key
from mailroom.contacts.model import AddressBookError, ReadOnlyAddressBookError

_SETTING: Final = "MAILROOM_CONTACTS_ADDRESS_BOOK"
_DEFAULT: Final = "default"
_USUAL_NAMES: Final = frozenset(
    {"default", "personal", "contacts", "card", "addresses", "addressbook"}
)
"""The last part of the path of the address book that servers make for each user: Cyrus, Fastmail
and Baikal; SOGo; Nextcloud; iCloud; DAViCal; others."""


def candidates(
    found: Collection[AddressBookCollection], wanted: str
) -> list[AddressBookCollection]:
    """Return the address books that Mailroom may write to: one, or several to choose from.

    Args:
        found: every address book of the user.
        wanted: the name or path from the settings; empty if not set.

    Raises:
        ReadOnlyAddressBookError: the user may not write to any of these address books.
        AddressBookError: the wanted one does not exist, or the user may write only to address books
            of others.
    """
    if wanted:
        named = [book for book in found if _is_called(book, wanted)]
        if len(named) != 1:
            raise AddressBookError(
                f"{_SETTING}: {'more than one' if named else 'no'} address book is called"
                f" {wanted!r}. There are: {_listed(found)}"
            )
        found = named
    writable = [book for book in found if book.is_writable]
    if not writable:
        raise ReadOnlyAddressBookError(
            f"the user may not write to the address book: {_listed(found)}"
        )
    own = [book for book in writable if book.is_own]
    if not own and not wanted and any(book.is_own for book in found):
        raise AddressBookError(
            "the user may write only to address books that others share; set"
            f" {_SETTING} to the name or path of one if Mailroom is to use it: {_listed(writable)}"
        )
    return own or writable  # If no book seems to be the user's own, owners are unknown.


def choose(
    books: Sequence[AddressBookCollection], with_groups: Collection[AddressBookCollection]
) -> AddressBookCollection:
    """Choose the address book with Mailroom's groups, else the one with a usual name.

    Raises:
        AddressBookError: the rules do not lead to exactly one address book.
    """
    left = list(with_groups) or list(books)
    usual = [book for book in left if book.resource_name.lower() in _USUAL_NAMES]
    default = [book for book in left if book.resource_name.lower() == _DEFAULT]
    for chosen in (left, default, usual):
        if len(chosen) == 1:
            return chosen[0]
    raise AddressBookError(
        f"there are several address books; set {_SETTING} to the name or path of the one that"
        f" Mailroom is to use: {_listed(books)}"
    )


def _is_called(book: AddressBookCollection, wanted: str) -> bool:
    texts = {book.name.casefold(), book.resource_name.casefold()}
    path = path_key(wanted.partition("://")[2].partition("/")[2] if "://" in wanted else wanted)
    own = path_key(book.url.raw_path)
    return wanted.strip().casefold() in texts or path.strip("/") == own.strip("/")


def _listed(books: Collection[AddressBookCollection]) -> str:
    return ", ".join(sorted(f"{book.name} ({book.url})" for book in books))
