"""The index of an address book in memory: known addresses, and the cards that bear them.

A backend updates the index from its server (:meth:`mailroom.contacts.book.AddressBook.sync`). There
may be many thousands of cards, so only the uid and the addresses of a card are kept. Groups are few
and kept whole.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from mailroom.contacts.address import key_of, uid_for, whole_domain
from mailroom.contacts.model import Group


@dataclass(frozen=True, slots=True)
class Brief:
    """A card in brief.

    Attributes:
        uid: without ``urn:uuid:``.
        addresses: the :func:`key_of` of every e-mail address.
    """

    uid: str
    addresses: tuple[str, ...]


class ContactIndex:
    """The cards and groups of an address book.

    Ids are the backend's handles, as in :class:`mailroom.contacts.model.Card`.
    """

    def __init__(self) -> None:
        self._cards: dict[str, Brief] = {}
        self._groups: dict[str, Group] = {}
        self._by_address: dict[str, tuple[str, ...]] = {}
        self._by_uid: dict[str, str] = {}
        self._known_only: dict[str, tuple[str, ...]] = {}
        self._known: Counter[str] = Counter()
        self._only_named: dict[str, str] = {}

    def __len__(self) -> int:
        """Return the number of cards, without groups."""
        return len(self._cards)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group, by id."""
        return tuple(self._groups[each] for each in sorted(self._groups))

    @property
    def ids(self) -> frozenset[str]:
        """The ids of all cards and groups, known-only cards included."""
        return frozenset(self._cards) | frozenset(self._groups) | frozenset(self._known_only)

    @property
    def card_ids(self) -> frozenset[str]:
        """The ids of the cards, groups left out."""
        return frozenset(self._cards)

    @property
    def uids(self) -> frozenset[str]:
        """The uids of the cards, groups left out."""
        return frozenset(brief.uid for brief in self._cards.values())

    def id_of(self, uid: str) -> str | None:
        """Return the id of the card with this uid; None if there is no such card."""
        return self._by_uid.get(uid)

    @property
    def uids_by_id(self) -> dict[str, str]:
        """The uid of each card and group, by id."""
        cards = {card_id: brief.uid for card_id, brief in self._cards.items()}
        return cards | {group.id: group.uid for group in self._groups.values()}

    def become(self, other: "ContactIndex") -> None:
        """Replace the content of this index by the content of another one.

        Every holder of this index sees the new content at once.
        """
        vars(self).update(vars(other))

    def bears(self, uid: str, address: str) -> bool | None:
        """Return True if the card with this uid bears an address; None if there is no such card."""
        card_id = self._by_uid.get(uid)
        return None if card_id is None else key_of(address) in self._cards[card_id].addresses

    def put_card(self, card_id: str, uid: str, addresses: Iterable[str], *, name: str = "") -> None:
        """Add a card; it replaces the card or group that had this id.

        The ``name`` is kept only for a card without addresses; see :meth:`only_named`.
        """
        self.remove(card_id)
        keys = tuple(dict.fromkeys(map(key_of, addresses)))
        self._cards[card_id] = Brief(uid, keys)
        self._by_uid[uid] = card_id
        for address in keys:
            self._by_address[address] = (*self._by_address.get(address, ()), card_id)
        if name and not keys:
            self._only_named[card_id] = name

    def only_named(self, names: Iterable[str]) -> list[str]:
        """Return the given names that are the name of a card without any address.

        A group in Apple's form, which is not the form of RFC 6350, appears as such a card over JMAP
        if the server does not know Apple's form.
        """
        there = frozenset(self._only_named.values())
        return [name for name in names if name in there]

    def put_group(self, group: Group) -> None:
        """Add a group; it replaces the card or group that had this id."""
        self.remove(group.id)
        self._groups[group.id] = group

    def put_known(self, card_id: str, addresses: Iterable[str]) -> None:
        """Add a card that Mailroom can read but must not edit; it replaces the entry with this id.

        Such a card is in a read-only or second address book, or has no UID. It only makes its
        addresses known: it is in no group, and no edit is planned for it.
        """
        self.remove(card_id)
        keys = tuple(dict.fromkeys(map(key_of, addresses)))
        self._known_only[card_id] = keys
        self._known.update(keys)

    def knows(self, address: str) -> bool:
        """Return True if a card, editable or not, bears an address or ``*@`` and its domain."""
        key = key_of(address)
        return any(
            each in self._by_address or self._known[each] > 0 for each in (key, whole_domain(key))
        )

    def remove(self, card_id: str) -> None:
        """Remove a card or group; an unknown id is ignored."""
        self._groups.pop(card_id, None)
        self._only_named.pop(card_id, None)
        self._known.subtract(self._known_only.pop(card_id, ()))
        brief = self._cards.pop(card_id, None)
        if brief is not None and self._by_uid.get(brief.uid) == card_id:
            del self._by_uid[brief.uid]
        for address in () if brief is None else brief.addresses:
            left = tuple(each for each in self._by_address[address] if each != card_id)
            if left:
                self._by_address[address] = left
            else:
                del self._by_address[address]

    def clear(self) -> None:
        """Remove everything."""
        self._cards.clear()
        self._groups.clear()
        self._by_address.clear()
        self._by_uid.clear()
        self._known_only.clear()
        self._only_named.clear()
        self._known.clear()

    def ids_of(self, addresses: Iterable[str]) -> frozenset[str]:
        """Return the ids of the cards that bear one of these addresses."""
        return frozenset(
            card_id
            for address in addresses
            for card_id in self._by_address.get(key_of(address), ())
        )

    def uids_of(self, address: str) -> frozenset[str]:
        """Return the uids of the cards that stand for an address.

        These cards bear the address. If no card does, they bear ``*@`` and the domain.
        """
        key = key_of(address)
        ids = self._by_address.get(key) or self._by_address.get(whole_domain(key), ())
        return frozenset(self._cards[card_id].uid for card_id in ids)

    def own_uids_of(self, address: str) -> frozenset[str]:
        """Return the uids of the cards that belong to one address only.

        These are the cards that bear no other address, and the card that Mailroom made for this
        address. Further cards may bear the address beside others.
        """
        key = key_of(address)
        briefs = [self._cards[card_id] for card_id in self._by_address.get(key, ())]
        own = (each for each in briefs if each.addresses == (key,) or each.uid == uid_for(key))
        return frozenset(brief.uid for brief in own)
