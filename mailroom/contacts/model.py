"""The values by which the rest of Mailroom uses address books: cards, groups, edits and errors.

The words are those of vCard (RFC 6350) and JSContact (RFC 9553). A *card* is the entry of a person
or company; cards that Mailroom makes may also stand for a mailing list or a whole domain. A *group*
is a card of kind ``group`` that names its members by uid.

Servers and apps change the spelling of uids at will: they add or drop ``urn:uuid:``, and write
capitals. So every uid here is in the spelling of :func:`mailroom.contacts.uid.uid_key`.

An edit says which change is wanted, not which bytes to write. So a backend can repeat the edit on
a card that somebody else has changed in the meantime.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from yarl import URL

from mailroom.contacts.address import key_of
from mailroom.contacts.uid import is_of_list, key_on_card, keys_of_card

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Return text without characters that vCard or XML cannot carry; line ends become LF."""
    return _CONTROL.sub("", re.sub("\r\n?", "\n", text))


class ContactType(StrEnum):
    """The kind of contact that a card describes."""

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
        uid: the uid of the card.
        names: the names of the contact.
        nicknames: further names (NICKNAME).
        addresses: every e-mail address, as written.
        note: the lines of all readable notes.
        made_by_us: True if the card carries the mark of a card that Mailroom made.
        untouched: True if Mailroom made the card and nobody else has changed the card since.
        filled_by_us: True if the mark on the card names fields that Mailroom filled.
        is_bare: True if the card carries no mark and holds only fields that Mailroom writes. A bare
            card in the provenance group counts as made by Mailroom, because some servers do not
            show over JMAP a mark that was written over CardDAV.
        is_editable: False if the card may only join and leave groups, because an edit of the card
            itself would make the server lose text that a person wrote, or because the card is in an
            address book that Mailroom does not write to.
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

    @property
    def keys(self) -> frozenset[str]:
        """The keys of everything that the card stands for (:func:`keys_of_card`)."""
        return frozenset(keys_of_card(self.uid, self.addresses))

    def stands_for(self, key: str) -> bool:
        """Return True if the card stands for the address, whole domain or list with this key."""
        return key_on_card(key) in self.keys


@dataclass(frozen=True, slots=True)
class Group:
    """A contact group as it was read. ``members`` are the uids of cards."""

    id: str
    uid: str
    name: str
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CreateCard:
    """Make a new card, with the mark of a card that Mailroom made.

    Another instance may have made a card with this ``uid`` already. If that card belongs to the
    contact, it is used instead of a new card, and the ``note`` is added as by an
    :class:`UpdateCard`. If the existing card is another contact's, the new card gets another uid.

    Attributes:
        uid: the uid of the new card.
        contact_type: the kind of contact.
        names: the names of the contact.
        address: the address of the contact. For a whole domain ``*@`` and the domain. For a mailing
            list its posting address, or empty if that is unknown.
        note: the line that records the decision.
        about: the first line of the note, which says what the card stands for; empty for an
            address.
    """

    uid: str
    contact_type: ContactType
    names: Names
    address: str
    note: str
    about: str = ""

    @property
    def whole_note(self) -> str:
        """The text of the new note: ``about``, then ``note``."""
        return "\n".join(line for line in (self.about, self.note) if line)

    def is_for(self, uid: str, addresses: Iterable[str]) -> bool:
        """Return True if an existing card, given by uid and addresses, belongs to this contact.

        The card of a mailing list is recognised by its uid, any other card by an address.
        """
        return (is_of_list(uid) and uid == self.uid) or key_of(self.address) in map(
            key_of, addresses
        )


@dataclass(frozen=True, slots=True)
class UpdateCard:
    """Fill empty names of a card, and change Mailroom's lines in the note and Mailroom's mark.

    Attributes:
        card: the card as it was read.
        fill: names for fields that are still empty. The mark on the card records the filled fields,
            so that ``forget`` can empty them again.
        add_line: a line to append to the note; it is left out if the last decision in the note has
            the same category.
        remove_lines: lines to remove from the note (every line that is equal to one of them).
        forget: remove Mailroom's mark, and empty the fields that Mailroom filled and nobody has
            changed since.
        mark_as_made: add the mark of a card that Mailroom made, if the card is bare. No effect if
            ``forget`` is set.
    """

    card: Card
    fill: Names = Names()
    add_line: str = ""
    remove_lines: frozenset[str] = frozenset()
    forget: bool = False
    mark_as_made: bool = False


@dataclass(frozen=True, slots=True)
class DeleteCard:
    """Delete a card, if nobody has changed the card or added it to a group since it was read."""

    card: Card


@dataclass(frozen=True, slots=True)
class ContactEdit:
    """Everything that is to happen to one contact card.

    Attributes:
        key: the caller's name for this edit; unique among the edits of one call of
            :meth:`mailroom.contacts.book.AddressBook.write`.
        uid: the uid of the contact, as groups name it.
        card: the change of the card itself; None if only groups change.
        join: ids of the groups that the contact is added to.
        leave: ids of the groups that the contact is removed from.
    """

    key: str
    uid: str
    card: CreateCard | UpdateCard | DeleteCard | None = None
    join: frozenset[str] = frozenset()
    leave: frozenset[str] = frozenset()

    def refuse_if_joined(self, before: Collection[Group], now: Collection[Group]) -> None:
        """Check that a contact whose card is to be deleted was not added to a group.

        A person who adds a card to a group still uses the card. The card itself does not show this,
        because a card does not name its groups.

        Args:
            before: the groups as they were when the edit was decided on.
            now: the groups as they are now.

        Raises:
            AddressBookError: the card was added to a group, so the deletion must be decided again.
        """
        allowed = self.leave | {group.id for group in before if self.uid in group.members}
        for group in now:
            if self.uid in group.members and group.id not in allowed:
                raise AddressBookError(
                    f"card {self.uid} was put into contact group {group.name} in the meantime"
                )


class AddressBookError(Exception):
    """The address book refused or cannot be used; the text explains the reason to a person.

    Attributes:
        is_lasting: True for a lasting refusal: the server would refuse the same request again a
            minute later.
    """

    is_lasting = False


class NoAddressBookError(AddressBookError):
    """No address book was found.

    Attributes:
        homes: the collections in which an address book can be made; empty if none was found.
    """

    def __init__(self, text: str, homes: tuple[URL, ...] = ()) -> None:
        super().__init__(text)
        self.homes = homes


class LastingRefusalError(AddressBookError):
    """A card cannot be written because of the card itself, for example its size."""

    is_lasting = True


def is_lasting(error: BaseException | None) -> bool:
    """Return True if an error, or an error that caused this error, is a lasting refusal."""
    if error is None:
        return False
    if isinstance(error, AddressBookError) and error.is_lasting:
        return True
    return is_lasting(error.__cause__)


class ReadOnlyAddressBookError(AddressBookError):
    """The credentials may read the contacts, but not write to any address book."""
