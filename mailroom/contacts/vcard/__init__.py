"""Reading and editing somebody's vCard (RFC 2426, RFC 6350) without harming it. Pure.

A card belongs to the person and to the apps they use; most of what is on it is none of our
business and some of it is broken. So a card is a list of content lines, of which an edit replaces
the one it means, and every other line keeps every byte: its folds, its order, its mistakes. A
library that reads a card into objects and writes it out again cannot promise that, and is used for
new cards only (:mod:`mailroom.contacts.vcard.new`).

- :mod:`~mailroom.contacts.vcard.lines`: content lines, folding, and the card they make up;
- :mod:`~mailroom.contacts.vcard.text`: escaping inside values;
- :mod:`~mailroom.contacts.vcard.fields`: what Mailroom reads off a card, and filling empty names;
- :mod:`~mailroom.contacts.vcard.notes`: lines in the note;
- :mod:`~mailroom.contacts.vcard.groups`: who is in a group;
- :mod:`~mailroom.contacts.vcard.mark`: the property that tells what Mailroom did to a card;
- :mod:`~mailroom.contacts.vcard.edit`: the edits of :mod:`mailroom.contacts.book` on a vCard;
- :mod:`~mailroom.contacts.vcard.new`: new cards and groups.
"""
