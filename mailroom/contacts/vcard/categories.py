"""Groups kept as CATEGORIES (RFC 6350 section 6.7.1) on the cards of their members.

Nextcloud's contacts app and DAVx5 keep groups in this way. A card may have several of these
properties, and each may hold several values.
"""

import unicodedata
from collections.abc import Collection

from mailroom.contacts.vcard.fields import text_of
from mailroom.contacts.vcard.lines import VCard
from mailroom.contacts.vcard.text import ends_in_escape, escape, pieces, unescape

_PROPERTY = "CATEGORIES"
_SEPARATOR = ","


def category_key(name: str) -> str:
    """Return the spelling in which names of categories are compared."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def categories_of(card: VCard) -> tuple[str, ...]:
    """Return every category on the card, as written."""
    names = (
        unescape(value).strip()
        for line in card.named(_PROPERTY)
        for _, value in pieces(text_of(line), _SEPARATOR)
    )
    return tuple(dict.fromkeys(name for name in names if name))


def with_categories(card: VCard, *, join: Collection[str], leave: Collection[str]) -> VCard:
    """Return the card with some categories added and some removed; others keep their bytes.

    A category in both ``join`` and ``leave`` is joined. A new category is added to the first
    property with a category, because some apps read only the first one.
    """
    joined = {category_key(name) for name in join}
    left = {category_key(name) for name in leave} - joined
    there = {category_key(name) for name in categories_of(card)}
    for name in sorted(join):
        if category_key(name) not in there:
            there.add(category_key(name))
            lines = [
                line
                for line in card.named(_PROPERTY)
                if line.value.strip() and not ends_in_escape(line.value)
            ]
            if lines:
                longer = lines[0].value + _SEPARATOR + escape(name)
                card = card.with_value(lines[0], longer)
            else:
                card = card.with_new(_PROPERTY, escape(name))
    for line in card.named(_PROPERTY):
        values = pieces(line.value, _SEPARATOR)
        kept = [
            (separator, text)
            for separator, text in values
            if category_key(unescape(text)) not in left
        ]
        if not kept:
            card = card.without(line)
        elif len(kept) < len(values):
            value = "".join(separator + text for separator, text in kept)
            card = card.with_value(line, value.removeprefix(kept[0][0]))
    return card
