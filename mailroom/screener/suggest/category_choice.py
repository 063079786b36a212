"""The category of the user's configuration for each kind of sender. Pure.

Categories can have any name, so they are recognised by what they do, and only then by their names.
"""

from collections.abc import Mapping
from typing import Final

from mailroom.contacts.model import ContactType
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.suggest.classify import SenderKind
from mailroom.screener.suggest.words import plain

_FEED: Final = frozenset(
    {
        *("feed", "newsletter", "newsletters", "news", "reading", "later", "notifications"),
        *("updates", "lists", "lesen", "lesestoff", "nachrichten", "lectures", "actualites"),
        *("noticias", "boletines", "notizie", "nieuws", "nieuwsbrieven"),
    }
)
_RECEIPTS: Final = frozenset(
    {
        *("paper trail", "papertrail", "receipts", "invoices", "bills", "orders", "purchases"),
        *("belege", "quittungen", "rechnungen", "bestellungen", "recus", "factures", "achats"),
        *("recibos", "facturas", "compras", "ricevute", "fatture", "bonnen", "facturen"),
    }
)
_NAMES: Final[Mapping[SenderKind, frozenset[str]]] = {
    SenderKind.NEWSLETTER: _FEED,
    SenderKind.NOTIFICATIONS: _FEED,
    SenderKind.MAILING_LIST: _FEED,
    SenderKind.RECEIPTS: _RECEIPTS,
}


def category_for(kind: SenderKind, categories: Categories) -> Category | None:
    """Return the category that senders of a kind belong to; None if no category fits.

    People and companies that the user corresponds with belong to a category with ``add_to_inbox``:
    the first whose ``contact_type`` is theirs, else the first of all.

    Other mail belongs to a category without ``add_to_inbox``, ``denies`` and parent: the first of
    these whose name is usual for the kind. If there is none, and exactly one of these categories
    has a name that is usual for no kind, the mail belongs to that category.
    """
    if kind in {SenderKind.PERSON, SenderKind.COMPANY}:
        in_inbox = [category for category in categories if category.add_to_inbox]
        wanted = ContactType.PERSON if kind is SenderKind.PERSON else ContactType.COMPANY
        fitting = [category for category in in_inbox if category.contact_type is wanted]
        return next(iter(fitting or in_inbox), None)
    outside = [
        category
        for category in categories
        if not (category.add_to_inbox or category.denies or category.parent)
    ]
    named = [category for category in outside if plain(category.name) in _NAMES[kind]]
    others = [category for category in outside if plain(category.name) not in _FEED | _RECEIPTS]
    if named:
        return named[0]
    return others[0] if len(others) == 1 else None
