"""Edits of contacts to carry out on an address book, the same over every protocol."""

from mailroom.contacts.model import Card, ContactEdit, ContactType, CreateCard, Names, UpdateCard

LINE = "Triaged to Feed on 2026-02-25"
ANN = "ann@x.example"
NONE: frozenset[str] = frozenset()


def creating(name: str = "new", *, join: frozenset[str] = NONE) -> ContactEdit:
    """Return an edit that creates a card for ``name@x.example``.

    Its UID has a space, which must be escaped in a path.
    """
    names = Names(full=name.title(), given=name.title())
    card = CreateCard(f"uid {name}", ContactType.PERSON, names, f"{name}@x.example", LINE)
    return ContactEdit(name, card.uid, card, join=join)


def noting(card: Card, *, join: frozenset[str] = NONE, leave: frozenset[str] = NONE) -> ContactEdit:
    """Return an edit that adds a line to a card's note."""
    return ContactEdit(card.uid, card.uid, UpdateCard(card, add_line=LINE), join=join, leave=leave)
