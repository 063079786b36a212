"""Notes on an address book for a person. Pure."""

from mailroom.contacts.carddav.opened import OpenedBook
from mailroom.contacts.carddav.reading import LARGEST_CARD


def notes_on(book: OpenedBook) -> tuple[str, ...]:
    """Return sentences on an address book that was read."""
    notes = []
    if others := book.others.names:
        notes.append(
            f"other address books: {', '.join(others)}. Their contacts are known; Mailroom writes"
            " to none of them (MAILROOM_CONTACTS_ADDRESS_BOOK says to which it does)"
        )
    if book.known.too_large:
        paths = ", ".join(sorted(book.known.too_large))
        notes.append(
            f"cards of more than {LARGEST_CARD >> 20} MiB are known, but not edited: {paths}"
        )
    used = book.known.members.used()
    if used and not book.known.groups_are_categories:
        notes.append(
            f"contacts have the categories {', '.join(sorted(used))} on their cards, which count"
            " for nothing. If your apps keep groups so, set MAILROOM_CONTACTS_GROUPS=categories"
        )
    return tuple(notes)
