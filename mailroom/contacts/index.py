"""The index of an address book: known addresses, and the cards that bear them. Pure.

There may be many thousands of cards, so only the uid and the addresses of a card are kept. Groups
are few and kept whole.

An index never changes, so a plan may hold one. A backend updates an :class:`IndexBuilder`. After
the builder has built an index, the first change copies the tables; further changes alter the copy.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Self

from mailroom.contacts.address import key_of, whole_domain
from mailroom.contacts.model import Group
from mailroom.contacts.uid import key_on_card, keys_of_card, uid_for


@dataclass(frozen=True, slots=True)
class Brief:
    """A card in brief.

    Attributes:
        uid: the uid of the card.
        keys: see :func:`mailroom.contacts.uid.keys_of_card`.
    """

    uid: str
    keys: tuple[str, ...]


@dataclass(slots=True)
class _Tables:
    """The tables of an index.

    Attributes:
        cards: the cards that are neither groups nor known only, by id.
        groups: groups, by id.
        ids_by_key: key of an address or a list -> ids of the cards that have this key.
        ids_by_uid: uid -> id of the card.
        known_only: card id -> address keys, for known-only cards; see :class:`ContactIndex`.
        known_counts: address key -> number of the cards in ``known_only`` that bear the address.
        names_by_id: card id -> name, for cards without addresses.
    """

    cards: dict[str, Brief] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    ids_by_key: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ids_by_uid: dict[str, str] = field(default_factory=dict)
    known_only: dict[str, tuple[str, ...]] = field(default_factory=dict)
    known_counts: dict[str, int] = field(default_factory=dict)
    names_by_id: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Self:
        return type(self)(*(getattr(self, table.name).copy() for table in fields(self)))


class ContactIndex:
    """The cards and groups of an address book at one moment; immutable.

    A card is *known only* if Mailroom neither edits it nor puts it into groups, for example because
    it is in a read-only address book. The index has the addresses of such a card and nothing else.
    Only :attr:`ids` and :meth:`knows` take account of known-only cards.

    Ids are the backend's handles, as in :class:`mailroom.contacts.model.Card`. Where a method takes
    an address, it also takes a :func:`mailroom.contacts.address.list_key`: this key finds the card
    of the mailing list. Without arguments the index is empty; any other index comes from an
    :class:`IndexBuilder`.
    """

    def __init__(self, tables: _Tables | None = None) -> None:
        self._tables = _Tables() if tables is None else tables

    def __len__(self) -> int:
        """Return the number of cards, without groups and known-only cards."""
        return len(self._tables.cards)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group, sorted by id."""
        return tuple(group for _, group in sorted(self._tables.groups.items()))

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all cards and groups, known-only cards included."""
        tables = self._tables
        return frozenset(tables.cards) | frozenset(tables.groups) | frozenset(tables.known_only)

    @property
    def card_ids(self) -> frozenset[str]:
        """The ids of the cards, without groups and known-only cards."""
        return frozenset(self._tables.cards)

    @property
    def card_uids(self) -> frozenset[str]:
        """The uids of the cards, without groups and known-only cards."""
        return frozenset(brief.uid for brief in self._tables.cards.values())

    @property
    def uids_by_id(self) -> dict[str, str]:
        """The uid of each card and group, by id."""
        cards = {card_id: brief.uid for card_id, brief in self._tables.cards.items()}
        return cards | {group.id: group.uid for group in self._tables.groups.values()}

    def id_of(self, uid: str) -> str | None:
        """Return the id of the card with this uid; None if there is no such card."""
        return self._tables.ids_by_uid.get(uid)

    def bears(self, uid: str, address: str) -> bool | None:
        """Return True if the card with this uid bears an address; None if there is no such card."""
        card_id = self.id_of(uid)
        if card_id is None:
            return None
        return key_on_card(address) in self._tables.cards[card_id].keys

    def knows(self, address: str) -> bool:
        """Return True if a card, maybe known only, bears an address or ``*@`` and its domain."""
        key = key_on_card(address)
        return any(
            address_key in self._tables.ids_by_key or address_key in self._tables.known_counts
            for address_key in (key, whole_domain(key))
        )

    def names_without_address(self, names: Iterable[str]) -> list[str]:
        """Return those of ``names`` that are the name of a card without any address.

        A group in Apple's form, which is not the form of RFC 6350, appears as such a card over JMAP
        if the server does not know Apple's form.
        """
        present = frozenset(self._tables.names_by_id.values())
        return [name for name in names if name in present]

    def ids_of(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return the ids of the cards that bear one of these addresses."""
        return frozenset(
            card_id
            for address in addresses
            for card_id in self._tables.ids_by_key.get(key_on_card(address), ())
        )

    def uids_standing_for(self, address: str) -> frozenset[str]:
        """Return the uids of the cards that stand for an address.

        If any card bears the address, the cards that bear it are returned. Otherwise the cards that
        bear ``*@`` and the domain are returned, because they stand in for the address.
        """
        key, ids_by_key = key_on_card(address), self._tables.ids_by_key
        ids = ids_by_key.get(key) or ids_by_key.get(whole_domain(key), ())
        return frozenset(self._tables.cards[card_id].uid for card_id in ids)

    def own_uids_of(self, address: str) -> frozenset[str]:
        """Return the uids of the cards that belong to one address only.

        These are the cards that bear no other address, and the card that Mailroom made for this
        address.
        """
        key = key_on_card(address)
        ids = self._tables.ids_by_key.get(key, ())
        briefs = [self._tables.cards[card_id] for card_id in ids]
        own = (brief for brief in briefs if brief.keys == (key,) or brief.uid == uid_for(key))
        return frozenset(brief.uid for brief in own)


class IndexBuilder:
    """Builds indexes, each from the one before and the changes since.

    Args:
        index: the index to begin with; it is not changed.
    """

    def __init__(self, index: ContactIndex | None = None) -> None:
        start = ContactIndex() if index is None else index
        # The index that holds self._tables. None if no index holds the tables: only then may the
        # builder change them.
        self._index: ContactIndex | None = start
        self._tables = start._tables  # noqa: SLF001 - the builder is a part of the index

    def build(self) -> ContactIndex:
        """Return the index after all changes so far; the same object if there were none."""
        if self._index is None:
            self._index = ContactIndex(self._tables)
        return self._index

    def put_card(self, card_id: str, uid: str, addresses: Iterable[str], *, name: str = "") -> None:
        """Add a card; it replaces the card or group that had this id.

        The ``name`` is kept only for a card without addresses, for
        :meth:`ContactIndex.names_without_address`.
        """
        brief = Brief(uid, keys_of_card(uid, addresses))
        name = "" if brief.keys else name
        tables = self._tables
        if (
            tables.cards.get(card_id) == brief
            and tables.ids_by_uid.get(uid) == card_id
            and tables.names_by_id.get(card_id, "") == name
        ):
            return
        self.remove(card_id)
        tables = self._writable()
        tables.cards[card_id] = brief
        tables.ids_by_uid[uid] = card_id
        for key in brief.keys:
            tables.ids_by_key[key] = (*tables.ids_by_key.get(key, ()), card_id)
        if name:
            tables.names_by_id[card_id] = name

    def put_group(self, group: Group) -> None:
        """Add a group; it replaces the card or group that had this id."""
        if self._tables.groups.get(group.id) == group:
            return
        self.remove(group.id)
        self._writable().groups[group.id] = group

    def put_known(self, card_id: str, addresses: Iterable[str]) -> None:
        """Add a card that is known only; it replaces the entry with this id.

        Such a card is in a read-only or second address book, has no uid, is broken, or is too large
        to be edited. It only makes its addresses known: no edit is planned for it.
        """
        keys = tuple(dict.fromkeys(map(key_of, addresses)))
        if self._tables.known_only.get(card_id) == keys:
            return
        self.remove(card_id)
        tables = self._writable()
        tables.known_only[card_id] = keys
        for key in keys:
            tables.known_counts[key] = tables.known_counts.get(key, 0) + 1

    def remove(self, card_id: str) -> None:
        """Remove a card or group; an unknown id is ignored."""
        entries = (self._tables.cards, self._tables.groups, self._tables.known_only)
        if not any(card_id in table for table in entries):
            return
        tables = self._writable()
        tables.groups.pop(card_id, None)
        tables.names_by_id.pop(card_id, None)
        for key in tables.known_only.pop(card_id, ()):
            tables.known_counts[key] -= 1
            if not tables.known_counts[key]:
                del tables.known_counts[key]
        brief = tables.cards.pop(card_id, None)
        if brief is None:
            return
        if tables.ids_by_uid.get(brief.uid) == card_id:
            del tables.ids_by_uid[brief.uid]
        for key in brief.keys:
            rest = tuple(other for other in tables.ids_by_key[key] if other != card_id)
            if rest:
                tables.ids_by_key[key] = rest
            else:
                del tables.ids_by_key[key]

    def _writable(self) -> _Tables:
        """Return tables that no index holds."""
        if self._index is not None:
            self._tables, self._index = self._tables.copy(), None
        return self._tables
