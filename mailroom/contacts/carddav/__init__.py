"""The address book on a CardDAV server (RFC 6352).

Knows vCards through :mod:`mailroom.contacts.vcard` only, and nothing of why they are changed.
"""

from mailroom.contacts.carddav.backend import CardDavAddressBook
from mailroom.contacts.carddav.selection import Options, make_address_book

__all__ = ["CardDavAddressBook", "Options", "make_address_book"]
