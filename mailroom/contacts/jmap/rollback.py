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

        The patches that remove this uid are written even if the edit succeeds with another uid.
        """
        self._wrong_uids.append(self._undo.pop(key, {}))

    async def run(self, failed: Iterable[str]) -> None:
        """Put the contacts of failed edits back into the groups that they were in before.

        The contacts are also removed from the groups that they joined. If the card of a contact was
        deleted although the edit failed, the contact is removed from all these groups.

        An error is only logged: the edits have failed already, and the next try sets the groups
        right.

        Args:
            failed: the keys of the edits that failed.
        """
        patches = [*self._wrong_uids]
        for key in failed:
            undo = self._undo.get(key, {})
            if key in self._deleted:
                undo = {group: dict.fromkeys(patch) for group, patch in undo.items()}
            patches.append(undo)
        joins: Patches = defaultdict(dict)
        leaves: Patches = defaultdict(dict)
        for patch_by_group in patches:
            for group, patch in patch_by_group.items():
                for path, is_member in patch.items():
                    (joins if is_member else leaves)[group][path] = is_member
        # Members are added back before others are removed, so that no contact is without a group.
        account = self._cards.account_id
        sets = [set_cards(account, CardWrites(update=update)) for update in (joins, leaves)]
        try:
            results = await self._cards.write(*sets)
        except (HttpError, JmapError) as error:
            log.warning("groups of failed edits were not restored", error=str(error))
            return
        for result in results:
            if result.refusal or result.failed:
                reasons = [result.refusal or "", *result.failed.values()]
                text = ", ".join(dict.fromkeys(str(reason) for reason in reasons if reason))
                log.warning("groups of failed edits were not restored", error=text)
