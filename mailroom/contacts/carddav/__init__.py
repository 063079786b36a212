"""The address book on a CardDAV server (RFC 6352).

This package finds, reads and writes cards. :mod:`mailroom.contacts.vcard` reads and edits their
content.
"""

from mailroom.contacts.carddav.backend import CardDavAddressBook
from mailroom.contacts.carddav.selection import Options, make_address_book

__all__ = ["CardDavAddressBook", "Options", "make_address_book"]
