"""The address book: one protocol (:mod:`mailroom.contacts.book`), a backend per kind of server."""
