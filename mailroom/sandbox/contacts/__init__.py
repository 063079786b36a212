"""Contacts in the sandbox: over JMAP (RFC 9610), or over CardDAV (RFC 6352) where that is not.

An account has one of them, and keeps cards in that protocol's own form. With the quirk
``shared_cards`` it has both, which show the same cards, with what real servers lose on the way.
"""

from mailroom.sandbox.contacts.plugin import Contacts

__all__ = ["Contacts"]
