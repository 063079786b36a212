"""The contacts of one account: over JMAP (RFC 9610), over CardDAV (RFC 6352), or over both."""

from mailroom.sandbox.contacts.bridge import Bridge
from mailroom.sandbox.contacts.carddav import CardDav
from mailroom.sandbox.contacts.cards import CardStore
from mailroom.sandbox.contacts.methods import contact_methods

__all__ = ["Bridge", "CardDav", "CardStore", "contact_methods"]
