"""Reading and editing somebody's vCard (RFC 2426, RFC 6350) without harming it. Pure.

A card belongs to the person and to the apps they use. Mailroom reads a small part of a card, and
some cards are broken. So a card is a list of content lines. An edit adds, replaces or removes some
lines; every other line keeps every byte, with its folds, its place and its mistakes. A library that
reads a card into objects and writes it anew cannot promise this.

- :mod:`~mailroom.contacts.vcard.lines`: content lines, folding, and the card they make up;
- :mod:`~mailroom.contacts.vcard.scan`: reading a card while it comes in, without its photos;
- :mod:`~mailroom.contacts.vcard.fields`: escaping, the properties that are read, and empty names;
- :mod:`~mailroom.contacts.vcard.groups`: the members of a group, and categories;
- :mod:`~mailroom.contacts.vcard.form`: a card as :mod:`mailroom.contacts.editing` edits it;
- :mod:`~mailroom.contacts.vcard.edit`: a card as a value of :mod:`mailroom.contacts.model`, a card
  after an edit, and new cards and groups.
"""
