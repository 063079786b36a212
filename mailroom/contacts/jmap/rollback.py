"""The rollback of group memberships after edits that failed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import structlog

from mailroom.contacts.jmap.calls import CardWrites, set_cards
from mailroom.contacts.jmap.plan import Patches
from mailroom.contacts.jmap.reading import Cards
from mailroom.http import HttpError
from mailroom.jmap.errors import JmapError

log = structlog.get_logger(__name__)


class Rollback:
    """The group patches that undo edits which failed.

    Args:
        cards: used to write the groups.
    """

    def __init__(self, cards: Cards) -> None:
        self._cards = cards
        self._undo: dict[str, Patches] = {}
        self._wrong_uids: list[Patches] = []
        self._deleted: set[str] = set()

    def add(self, undo: Mapping[str, Patches]) -> None:
        """Add the patches of a plan, by the key of the edit.

        If an edit is planned a second time, its first patches stay: only these lead back to the
        groups before the first request.
        """
        self._undo = {**undo, **self._undo}

    def has_patches(self, key: str) -> bool:
        """Return True if a failure of the edit requires patches of groups."""
        return bool(self._undo.get(key))

    def discard(self, key: str) -> None:
        """Forget the patches of an edit, except those that remove a wrong uid."""
        self._undo.pop(key, None)
        self._deleted.discard(key)

    def note_deleted(self, keys: Iterable[str]) -> None:
        """Note the edits whose card was deleted: a deleted card must not be in any group."""
        self._deleted.update(keys)

    def note_wrong_uid(self, key: str) -> None:
        """Note that an edit put the uid of another contact into groups.

        The patches that remove this uid are returned even if the edit succeeds with another uid.
        """
        self._wrong_uids.append(self._undo.pop(key, {}))

    def patches(self, failed: Iterable[str]) -> Patches:
        """Return the patches that put the contacts of failed edits back into their former groups.

        The patches also remove the contacts from the groups that they joined. If the card of a
        contact was deleted although the edit failed, the contact is removed from all these groups.

        Args:
            failed: the keys of the edits that failed.
        """
        merged: Patches = defaultdict(dict)
        for key in failed:
            for group, patch in self._undo.get(key, {}).items():
                merged[group] |= dict.fromkeys(patch) if key in self._deleted else patch
        for patches in self._wrong_uids:
            for group, patch in patches.items():
                merged[group] |= patch
        # Groups with a member to add come first, so that no contact is in no group for a moment.
        return dict(sorted(merged.items(), key=lambda group: True not in group[1].values()))

    async def write(self, patches: Patches, *, if_in_state: str | None) -> bool:
        """Write patches of groups, if no card has changed since a state.

        An error is only logged: the edits have failed already, and the next try sets the groups
        right.

        Args:
            patches: the result of :meth:`patches`.
            if_in_state: the state in which the edits were seen to be incomplete. Another instance
                that completes an edit changes the state. None: write in any state.

        Returns:
            False if patches are left to write, because the cards have changed since the state.
        """
        writes = CardWrites(update=patches, if_in_state=if_in_state)
        try:
            (result,) = await self._cards.write(set_cards(self._cards.account_id, writes))
        except (HttpError, JmapError) as error:
            log.warning("groups of failed edits were not restored", error=str(error))
            return True
        if if_in_state is not None and result.is_outdated:
            return False
        if result.refusal or result.failed:
            reasons = [result.refusal or "", *result.failed.values()]
            text = ", ".join(dict.fromkeys(str(reason) for reason in reasons if reason))
            log.warning("groups of failed edits were not restored", error=text)
        return True
