"""Contacts in the sandbox: over JMAP (RFC 9610), or over CardDAV (RFC 6352) where that is not.

An account has one of them. Each keeps cards in its own form, JSContact or vCard, and nothing turns
the one into the other: a conversion that is nearly right would teach its user wrong things.
"""

from mailroom.sandbox.contacts.plugin import Contacts

__all__ = ["Contacts"]
