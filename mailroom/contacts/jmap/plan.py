"""The plan of the changes that one request makes, from edits and the cards as read. Pure.

The request holds up to three ``ContactCard/set``, carried out in order: cards are made, changed and
deleted; contacts join groups; contacts leave groups. The first carries ``ifInState``, because
its patches are computed from the cards as they were read. The others need no state: a patch of one
member (``members/<uid>``) is right whatever other members the group has.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from mailroom.contacts.jmap.card_set import Changes
from mailroom.contacts.jscontact.cards import to_card
from mailroom.contacts.jscontact.edits import adopted, new_card, updated
from mailroom.contacts.jscontact.fields import JsCard, member_keys
from mailroom.contacts.jscontact.form import MARK, is_safe_to_edit
from mailroom.contacts.jscontact.patches import Patch, difference, pointer
from mailroom.contacts.model import (
    AddressBookError,
    ContactEdit,
    CreateCard,
    DeleteCard,
    UpdateCard,
)
from mailroom.contacts.uid import uid_key

_MARK_PATH: Final = pointer("name", MARK)

Patches = dict[str, Patch]
"""Card or group id -> patch."""


@dataclass(frozen=True, slots=True)
class Job:
    """An edit that is being carried out.

    Attributes:
        edit: the edit.
        uid: the uid of the contact; not the uid of the edit if another contact's card has that one.
        adopting: the id of an existing card that is used instead of a new one; empty if none is.
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
        """True if the job makes a card, because none is known yet."""
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
    def cards(self) -> frozenset[str]:
        """The id of the existing card, if any."""
        match self.edit.card:
            case UpdateCard(card=card) | DeleteCard(card=card):
                return frozenset({card.id})
        return frozenset({self.adopting}) - {""}

    def under(self, ids: Mapping[str, str]) -> "Job":
        """Return the same job with the present ids of cards and groups, given by former id."""

        def present(former: frozenset[str]) -> frozenset[str]:
            return frozenset(ids.get(old, old) for old in former)

        card = self.edit.card
        if isinstance(card, UpdateCard | DeleteCard):
            card_id = ids.get(card.card.id, card.card.id)
            card = replace(card, card=replace(card.card, id=card_id))
        join, leave = present(self.edit.join), present(self.edit.leave)
        edit = replace(self.edit, card=card, join=join, leave=leave)
        return replace(self, edit=edit, adopting=ids.get(self.adopting, self.adopting))

    def needs(self) -> frozenset[str]:
        """Return the ids of the cards and groups that must be read before the job."""
        return self.edit.join | self.leave | self.cards


@dataclass(frozen=True, slots=True)
class WritingRules:
    """The rules for writing cards and groups.

    Attributes:
        annotate: True to edit also cards that Mailroom did not make.
        whole_members: ids of groups whose members are written as a whole map, because the server
            refused a patch of one member. Stalwart up to 0.16.4 refuses a path with a token of
            digits only.
        written: returns the uid of a member as it is written on the member's card, because programs
            compare the two as texts.
    """

    annotate: bool = False
    whole_members: frozenset[str] = frozenset()
    written: Callable[[str], str] = str


class RequestPlan:
    """The changes to write for some jobs.

    Args:
        jobs: at most one per card.
        seen: cards and groups by id, as they were read; a missing one was deleted.
        address_book: the id of the address book for new cards.
        groups: group id -> name.
        rules: the rules for writing cards and groups.

    Attributes:
        failed: key -> the reason why the job cannot be carried out.
        undo: key -> patches that undo the changes of groups.
    """

    def __init__(
        self,
        jobs: Iterable[Job],
        seen: Mapping[str, JsCard],
        address_book: str,
        groups: Mapping[str, str],
        rules: WritingRules,
    ) -> None:
        self._rules = rules
        self._seen = seen
        self._groups = groups
        self._address_book = address_book
        self._create: dict[str, JsCard] = {}
        self._update: Patches = defaultdict(dict)
        self._destroy: list[str] = []
        self._join: Patches = defaultdict(dict)
        self._leave: Patches = defaultdict(dict)
        self._keys: dict[str, set[str]] = defaultdict(set)
        self.failed: dict[str, AddressBookError] = {}
        self.undo: dict[str, Patches] = {}
        for job in jobs:
            try:
                self._add_card(job)
                self._add_groups(job)
            except AddressBookError as error:
                self.failed[job.key] = error

    @property
    def cards(self) -> Changes:
        """The cards to make, change and delete, in the state in which they were read."""
        return Changes(self._create, self._update, self._destroy)

    @property
    def joins(self) -> Changes:
        """The members to add to groups."""
        return Changes(update=self._join)

    @property
    def leaves(self) -> Changes:
        """The members to remove from groups."""
        return Changes(update=self._leave)

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to change."""
        return not (self.failed or self.cards or self.joins or self.leaves)

    @property
    def depends_on_seen(self) -> bool:
        """True if :attr:`cards` must be carried out in the state in which the cards were read."""
        return bool(self._update or self._destroy)

    def keys_of(self, objects: Collection[str]) -> set[str]:
        """Return the keys of the edits behind some creation, card or group ids."""
        return {key for object_id in objects for key in self._keys[object_id]}

    def _add_card(self, job: Job) -> None:
        match job.edit.card:
            case CreateCard() as create if job.adopting:
                card = self._card(job.adopting)
                self._change(job, card, adopted(card, create))
            case CreateCard() as create:
                self._create[job.key] = new_card(create, job.uid, self._address_book)
                self._keys[job.key].add(job.key)
            case UpdateCard() as edit:
                card = self._card(edit.card.id)
                self._change(job, card, updated(card, edit))
            case DeleteCard() as edit if edit.card.id in self._seen:
                now = to_card(self._seen[edit.card.id], annotate=self._rules.annotate)
                if now != replace(edit.card, is_editable=now.is_editable):
                    raise AddressBookError(f"card {edit.card.id} was changed in the meantime")
                self._destroy.append(edit.card.id)
                self._keys[edit.card.id].add(job.key)

    def _card(self, card_id: str) -> JsCard:
        if card_id not in self._seen:
            raise AddressBookError(f"card {card_id} is gone")
        return self._seen[card_id]

    def _change(self, job: Job, before: JsCard, after: JsCard) -> None:
        """Patch a card, unless the server would lose a part of the card."""
        if not (self._rules.annotate or is_safe_to_edit(before)):
            return
        if patch := _patch(before, after):
            self._update[before["id"]] |= patch
            self._keys[before["id"]].add(job.key)

    def _add_groups(self, job: Job) -> None:
        for group_id in job.edit.join | job.leave:
            if group_id not in self._seen:
                name = self._groups.get(group_id, group_id)
                raise AddressBookError(f"contact group {name} is gone")
        for group_id in () if job.is_deletion else job.edit.join:
            self._add_join(job, self._seen[group_id])
        for group_id in job.leave:
            where = self._update if job.is_deletion else self._leave
            self._add_leave(job, self._seen[group_id], where)

    def _add_join(self, job: Job, group: JsCard) -> None:
        """Add a member, unless the group has it already under any spelling of its uid."""
        if job.uid in map(uid_key, member_keys(group)):
            return
        member = self._rules.written(job.uid)
        path = pointer("members", member)
        if isinstance(group.get("members"), dict) and not self._is_written_whole(group):
            self._patch(job, self._join, group, {path: True})
        else:  # The group has no map of members yet, or the server refuses the path.
            self._patch_members(job, group, {member: True})
        self._undo(job, group, {path: None})

    def _add_leave(self, job: Job, group: JsCard, where: Patches) -> None:
        keys = [key for key in member_keys(group) if uid_key(key) == job.uid]
        if not keys:
            return
        paths = [pointer("members", key) for key in keys]
        if self._is_written_whole(group):
            self._patch_members(job, group, dict.fromkeys(keys, False))
        else:
            self._patch(job, where, group, dict.fromkeys(paths))
        self._undo(job, group, dict.fromkeys(paths, True))

    def _is_written_whole(self, group: JsCard) -> bool:
        return group["id"] in self._rules.whole_members

    def _patch_members(self, job: Job, group: JsCard, changes: Mapping[str, bool]) -> None:
        """Write the whole map of members with the cards, as it is right in one state only."""
        before = self._update[group["id"]].get("members")
        if before is None:
            before = dict.fromkeys(member_keys(group), True)
        after = {**before, **changes}
        members = {key: True for key, is_member in after.items() if is_member}
        self._patch(job, self._update, group, {"members": members})

    def _patch(self, job: Job, where: Patches, group: JsCard, patch: Patch) -> None:
        where[group["id"]] |= patch
        self._keys[group["id"]].add(job.key)

    def _undo(self, job: Job, group: JsCard, patch: Patch) -> None:
        self.undo.setdefault(job.key, {}).setdefault(group["id"], {}).update(patch)


def _patch(before: JsCard, after: JsCard) -> Patch:
    """Return the patch of a card.

    If a patch removes a vendor-specific member from an object, Stalwart leaves ``null`` in its
    place. So the whole name is written if the mark is removed.
    """
    patch = difference(before, after)
    if patch.get(_MARK_PATH, "") is not None:
        return patch
    name = {key: value for key, value in after["name"].items() if value is not None}
    rest = {path: value for path, value in patch.items() if path.partition("/")[0] != "name"}
    return {**rest, "name": name}
