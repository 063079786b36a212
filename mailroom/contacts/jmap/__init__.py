"""The address book on a JMAP server (RFC 9610).

Speaks JMAP through :mod:`mailroom.jmap`, and knows nothing of why cards are changed.
"""

from mailroom.contacts.jmap.backend import JmapAddressBook

__all__ = ["JmapAddressBook"]
