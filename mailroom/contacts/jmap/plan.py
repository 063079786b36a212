"""Plan the changes that one request makes, from edits and the cards as they were read. Pure.

The request holds up to three ``ContactCard/set``, carried out in order: cards are made, changed and
deleted; contacts join groups; contacts leave groups. The first call carries ``ifInState``, because
its patches are computed from the cards as they were read. The other two need no state: a patch of
one member (``members/<uid>``) is right whatever other members the group has.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from mailroom.contacts.jmap.calls import CardWrites
from mailroom.contacts.jscontact.cards import (
    Patch,
    adopted,
    difference,
    is_safe_to_edit,
    new_card,
    pointer,
    to_card,
    updated,
)
from mailroom.contacts.jscontact.fields import JsCard, member_uids
from mailroom.contacts.jscontact.form import MARK
from mailroom.contacts.model import (
    AddressBookError,
    ContactEdit,
    CreateCard,
    DeleteCard,
    UpdateCard,
)
from mailroom.contacts.uid import uid_key

_MARK_PATH: Final = pointer("name", MARK)
_EDIT_SIZE: Final = 4000
"""Octets of an edit in a request, without its note; a generous estimate."""
_OCTETS_PER_CHARACTER: Final = 6
"""The longest form of a character in JSON: ``\\u0001``."""

Patches = dict[str, Patch]
"""Card or group id -> patch."""


@dataclass(frozen=True, slots=True)
class Job:
    """An edit that is being carried out.

    Attributes:
        edit: the edit.
        uid: the uid of the contact. If another contact's card has the uid of the edit, this is a
            different uid.
        adopting: the id of an existing card that is used instead of a new card; else empty.
    """

    edit: ContactEdit
    uid: str
    adopting: str = ""

    @property
    def key(self) -> str:
        """The key of the edit."""
        return self.edit.key

    @property
    def makes_card(self) -> bool:
        """True if the job makes a new card, and does not use an existing one instead."""
        return isinstance(self.edit.card, CreateCard) and not self.adopting

    @property
    def is_deletion(self) -> bool:
        """True if the job deletes a card."""
        return isinstance(self.edit.card, DeleteCard)

    @property
    def leave(self) -> frozenset[str]:
        """Ids of groups to leave, without the groups that the contact also joins."""
        return self.edit.leave - self.edit.join

    @property
    def card_id(self) -> str:
        """The id of the existing card; empty if there is none, or if only groups change."""
        match self.edit.card:
            case UpdateCard(card=card) | DeleteCard(card=card):
                return card.id
        return self.adopting

    @property
    def needed_ids(self) -> frozenset[str]:
        """The ids of the cards and groups that must be read before the job."""
        return self.edit.join | self.leave | (frozenset({self.card_id}) - {""})

    def with_present_ids(self, present: Mapping[str, str]) -> "Job":
        """Return the same job with present ids; ``present`` is former id -> present id."""
        card = self.edit.card
        if isinstance(card, UpdateCard | DeleteCard):
            card_id = present.get(card.card.id, card.card.id)
            card = replace(card, card=replace(card.card, id=card_id))
        edit = replace(
            self.edit,
            card=card,
            join=frozenset(present.get(former, former) for former in self.edit.join),
            leave=frozenset(present.get(former, former) for former in self.edit.leave),
        )
        return replace(self, edit=edit, adopting=present.get(self.adopting, self.adopting))


@dataclass(frozen=True, slots=True)
class WritingRules:
    """The rules for writing cards and groups.

    Attributes:
        annotate: True to edit also cards that Mailroom did not make.
        groups_written_whole: ids of groups whose members are written as a whole map, because the
            server refused a patch of one member. Stalwart up to 0.16.4 refuses a path with a token
            of digits only.
        written_uid: returns the uid of a contact as it is written on its card. The group gets this
            spelling, because programs compare the two as texts.
    """

    annotate: bool = False
    groups_written_whole: frozenset[str] = frozenset()
    written_uid: Callable[[str], str] = str


class RequestPlan:
    """The changes to write for some jobs.

    Args:
        jobs: at most one per card.
        seen: cards and groups by id, as they were read; a missing one was deleted.
        state: the state in which they were read.
        address_book: the id of the address book for new cards.
        group_names: group id -> name.
        rules: the rules for writing cards and groups.

    Attributes:
        cards: the cards to make, change and delete, and the groups that are written whole. These
            writes are held to ``state``, unless all of them make cards.
        joins: the members to add to groups.
        leaves: the members to remove from groups.
        failed: key -> the reason why the job cannot be carried out.
        undo: key -> patches that undo the changes of groups.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        seen: Mapping[str, JsCard],
        state: str | None,
        address_book: str,
        group_names: Mapping[str, str],
        rules: WritingRules,
    ) -> None:
        self._rules = rules
        self._seen = seen
        self._group_names = group_names
        self._address_book = address_book
        self._create: dict[str, JsCard] = {}
        self._update: Patches = defaultdict(dict)
        self._destroy: list[str] = []
        self._join: Patches = defaultdict(dict)
        self._leave: Patches = defaultdict(dict)
        # Card id, group id or creation id -> the keys of the edits that change it.
        self._keys: dict[str, set[str]] = defaultdict(set)
        self.failed: dict[str, AddressBookError] = {}
        self.undo: dict[str, Patches] = {}
        for job in jobs:
            try:
                self._add_card(job)
                self._add_groups(job)
            except AddressBookError as error:
                self.failed[job.key] = error
        if_in_state = state if self._update or self._destroy else None
        self.cards = CardWrites(self._create, self._update, self._destroy, if_in_state)
        self.joins = CardWrites(update=self._join)
        self.leaves = CardWrites(update=self._leave)

    @property
    def is_empty(self) -> bool:
        """True if no job failed, and there is nothing to change."""
        return not (self.failed or self.cards or self.joins or self.leaves)

    def keys_of(self, objects: Collection[str]) -> set[str]:
        """Return the keys of the edits that change some cards or groups.

        Args:
            objects: ids of cards and groups, and creation ids of new cards.
        """
        return {key for object_id in objects for key in self._keys[object_id]}

    def _add_card(self, job: Job) -> None:
        edit, card = job.edit.card, self._seen.get(job.card_id)
        match edit:
            case CreateCard() if not job.adopting:
                self._create[job.key] = new_card(edit, job.uid, self._address_book)
                self._keys[job.key].add(job.key)
            case CreateCard() | UpdateCard():
                if card is None:
                    raise AddressBookError(f"card {job.card_id} is gone")
                if not (self._rules.annotate or is_safe_to_edit(card)):
                    return  # The server would lose a part of the card.
                after = adopted(card, edit) if isinstance(edit, CreateCard) else updated(card, edit)
                patch = difference(card, after)
                if patch.get(_MARK_PATH, "") is None:
                    # If a patch removes a vendor-specific member from an object, Stalwart leaves
                    # ``null`` in its place. So the whole name is written.
                    rest = {path: patch[path] for path in patch if path.partition("/")[0] != "name"}
                    name = {key: part for key, part in after["name"].items() if part is not None}
                    patch = {**rest, "name": name}
                if patch:
                    self._update[job.card_id] |= patch
                    self._keys[job.card_id].add(job.key)
            case DeleteCard() if card is not None:  # a card that is gone counts as deleted
                present = to_card(card, annotate=self._rules.annotate)
                # ``is_editable`` also depends on the address book, and shows no change of the card.
                if present != replace(edit.card, is_editable=present.is_editable):
                    raise AddressBookError(f"card {job.card_id} was changed in the meantime")
                self._destroy.append(job.card_id)
                self._keys[job.card_id].add(job.key)

    def _add_groups(self, job: Job) -> None:
        for group_id in job.edit.join | job.leave:
            if group_id not in self._seen:
                name = self._group_names.get(group_id, group_id)
                raise AddressBookError(f"contact group {name} is gone")
        joined = frozenset[str]() if job.is_deletion else job.edit.join
        for group_id in joined:
            members = member_uids(self._seen[group_id])
            # The group may have the member already, under another spelling of the uid.
            if job.uid not in map(uid_key, members):
                joining = {self._rules.written_uid(job.uid): True}
                self._change_members(job, group_id, joining, self._join)
        for group_id in job.leave:
            members = member_uids(self._seen[group_id])
            leaving = {member: False for member in members if uid_key(member) == job.uid}
            if leaving:
                # A contact leaves in the call that deletes its card: if the server refuses this
                # call because the state has changed, the contact stays in its groups.
                patches = self._update if job.is_deletion else self._leave
                self._change_members(job, group_id, leaving, patches)

    def _change_members(
        self, job: Job, group_id: str, changes: Mapping[str, bool], patches: Patches
    ) -> None:
        """Add (True) and remove (False) members of a group.

        Each member is patched by its path, in ``patches``. If the group has no map of members yet,
        or the server refuses the path, the whole map is written. A whole map is right in one state
        only, so it is written in the first call, which is held to the state.
        """
        group, paths = self._seen[group_id], {uid: pointer("members", uid) for uid in changes}
        has_map = isinstance(group.get("members"), dict)
        if has_map and group_id not in self._rules.groups_written_whole:
            patches[group_id] |= {paths[uid]: is_in or None for uid, is_in in changes.items()}
        else:
            before = self._update[group_id].get("members")  # as another job has changed it
            if before is None:
                before = dict.fromkeys(member_uids(group), True)
            after = {**before, **changes}
            self._update[group_id]["members"] = {uid: True for uid, is_in in after.items() if is_in}
        self._keys[group_id].add(job.key)
        undo = self.undo.setdefault(job.key, {}).setdefault(group_id, {})
        undo |= {paths[uid]: None if is_in else True for uid, is_in in changes.items()}


def edit_octets(edit: ContactEdit) -> int:
    """Return the largest number of octets of an edit in a request; a note is sent whole."""
    note = edit.card.card.note if isinstance(edit.card, UpdateCard) else ""
    return _EDIT_SIZE + _OCTETS_PER_CHARACTER * len(note)
