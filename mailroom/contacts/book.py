"""What the rest of Mailroom knows of address books: plain values, and one protocol.

Words as in vCard (RFC 6350) and JSContact (RFC 9553). A *card* is a person's or company's entry, a
*group* is a card of kind ``group`` that names its members by uid. Uids are compared, and stand
here, without ``urn:uuid:``, for servers and apps add and drop that prefix at will.

An edit says what is wanted, not what bytes to write: a backend can carry it out again on a card
that somebody else has changed in the meantime.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from yarl import URL

if TYPE_CHECKING:
    from mailroom.contacts.index import ContactIndex


class ContactType(StrEnum):
    """What a card stands for."""

    COMPANY = "company"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Names:
    """The name parts that Mailroom reads and fills; an empty string is an empty field.

    ``full`` is FN / name.full, ``given`` and ``surname`` are parts of N / name.components,
    ``organization`` is ORG's first part / organizations' name.
    """

    full: str = ""
    given: str = ""
    surname: str = ""
    organization: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A contact as it was read.

    Attributes:
        id: the backend's handle: the path of a CardDAV resource, the id of a JMAP card.
        uid: without ``urn:uuid:``.
        names: what it is called.
        nicknames: further names (NICKNAME).
        addresses: every e-mail address, as written.
        note: all of its notes, as lines.
        made_by_us: it carries the mark of a card that Mailroom created.
        untouched: beyond that, nothing on it was changed since, but by Mailroom.
        filled_by_us: it carries the mark of a card with fields that Mailroom filled.
        is_bare: it carries no mark, and holds nothing but what Mailroom writes on a card. In the
            provenance group it is one that Mailroom made: marks that were written over CardDAV
            are not shown over JMAP.
        is_editable: False if the server would lose what a person wrote, so that the card may only
            be put into groups and taken out of them.
    """

    id: str
    uid: str
    names: Names = Names()
    nicknames: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    note: str = ""
    made_by_us: bool = False
    untouched: bool = False
    filled_by_us: bool = False
    is_bare: bool = False
    is_editable: bool = True


@dataclass(frozen=True, slots=True)
class Group:
    """A contact group as it was read. ``members`` are uids without ``urn:uuid:``."""

    id: str
    uid: str
    name: str
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a look into the address book gave: the cards asked for, and every group."""

    cards: tuple[Card, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateCard:
    """Make a new card, with the mark of one that Mailroom made.

    If a card with this ``uid`` is there already and bears ``address`` (another instance was
    faster), that card is taken instead and gets the ``note`` as an :class:`UpdateCard` would; if it
    does not bear it, the card is made under another uid. The note is one line.
    """

    uid: str
    contact_type: ContactType
    names: Names
    address: str
    note: str


@dataclass(frozen=True, slots=True)
class UpdateCard:
    """Change what is Mailroom's on a card, and nothing else.

    Attributes:
        card: as it was read.
        fill: names for fields that are still empty; remembered on the card, so that ``forget``
            can empty them again.
        add_line: a line to append to the note, unless the last decision in it says that already.
        remove_lines: lines to take out of the note (every line that is equal to one of them).
        forget: take Mailroom's mark off, and empty the fields that Mailroom filled and nobody
            has changed since.
        claim: put the mark of a card that Mailroom made on it, if it is bare.
    """

    card: Card
    fill: Names = Names()
    add_line: str = ""
    remove_lines: frozenset[str] = frozenset()
    forget: bool = False
    claim: bool = False


@dataclass(frozen=True, slots=True)
class DeleteCard:
    """Delete a card, if it still is as it was read, and has come into no further group."""

    card: Card


@dataclass(frozen=True, slots=True)
class ContactEdit:
    """Everything that is to happen to one contact card.

    Attributes:
        key: what the caller knows this edit by; unique among the edits of one :meth:`write`.
        uid: the contact's, as it stands in groups.
        card: the change of the card itself, or None.
        join: ids of the groups it is to be in.
        leave: ids of the groups it is to be in no more.
    """

    key: str
    uid: str
    card: CreateCard | UpdateCard | DeleteCard | None = None
    join: frozenset[str] = frozenset()
    leave: frozenset[str] = field(default_factory=frozenset)


class AddressBookError(Exception):
    """The address book refused or cannot be used; its text says what, for a person.

    Attributes:
        is_lasting: the server would answer the same to the same question a minute later.
    """

    is_lasting = False


class LastingRefusalError(AddressBookError):
    """A card cannot be written for what it is: its size, say."""

    is_lasting = True


def is_lasting(error: BaseException | None) -> bool:
    """Return True if an edit failed because the server refuses it, or what it needs, for good."""
    if error is None:
        return False
    if isinstance(error, AddressBookError) and error.is_lasting:
        return True
    return is_lasting(error.__cause__)


class ReadOnlyAddressBookError(AddressBookError):
    """The credentials may read the contacts, but not write to any address book."""


@dataclass(frozen=True, slots=True)
class Description:
    """Which address book is used, for a person to see.

    Attributes:
        protocol: ``CardDAV`` or ``JMAP``.
        url: of the address book, or of the server.
        name: of the address book.
    """

    protocol: str
    url: URL
    name: str


class AddressBook(Protocol):
    """One account's address book."""

    async def describe(self) -> Description:
        """Tell which address book is used. Raises as :meth:`read`."""
        ...

    async def notes(self) -> tuple[str, ...]:
        """Return sentences on the address book for a person. Raises as :meth:`sync`."""
        ...

    async def sync(self) -> "ContactIndex":
        """Take in what has changed since the last time, and give what is in memory then.

        One step that waits for the server, but for the first time and where much has changed.

        Raises:
            HttpError: the server cannot be reached or does not answer as it should.
            JmapError: it refuses, for now or for good.
            AddressBookError: there is no address book to be had.
        """
        ...

    async def read(self, addresses: Collection[str]) -> Contents:
        """Read every card that bears one of ``addresses``, and every group.

        Who bears them is as of the last :meth:`sync`. One sync serves one read: a further read, or
        one without a sync, begins with a sync of its own.

        Addresses are compared by :func:`mailroom.contacts.address.key_of`. Takes the same number
        of steps that wait for one another however many addresses there are.

        Raises: as :meth:`sync`.
        """
        ...

    async def read_cards(self, ids: Collection[str]) -> Contents:
        """Read cards by their ids, as :meth:`sync` gave them, and every group.

        What is gone, or a group, is left out of the cards. One sync serves one reading, as in
        :meth:`read`. All cards are in memory at once: of many, ask for some at a time.

        Raises: as :meth:`sync`.
        """
        ...

    async def write(
        self, edits: Sequence[ContactEdit], groups: Collection[Group]
    ) -> Mapping[str, Exception]:
        """Carry out edits: cards are made and changed, then groups, last cards are deleted.

        A contact joins its new groups before it leaves the old ones; a group is written once
        (twice only where contacts change places between groups). A contact whose card could not
        be written is left out of the groups. Somebody else's change in the meantime is kept:
        the resource is read again and the edit carried out on that.

        Args:
            edits: one per card.
            groups: all of them, as :meth:`read` gave them; every id in ``join`` and ``leave`` is
                among them.

        Returns:
            The keys of edits that failed, with the reason. Empty when all went well.

        Raises:
            HttpError, JmapError: nothing could be written at all, as the server cannot be reached
                or refuses the credentials.
        """
        ...

    async def create_groups(self, names: Collection[str]) -> None:
        """Make an empty group for each name (the caller knows that there is none yet).

        Raises:
            HttpError, JmapError: as in :meth:`read`.
            AddressBookError: the server refused one.
        """
        ...
