"""Putting contacts back into the groups that they were in before an edit failed."""

from collections.abc import Iterable, Sequence

import structlog

from mailroom.contacts.jmap.calls import Changes, set_cards
from mailroom.contacts.jmap.plan import Patches
from mailroom.contacts.jmap.reading import Cards
from mailroom.http import HttpError
from mailroom.jmap.errors import JmapError

log = structlog.get_logger(__name__)


async def take_back(cards: Cards, patches: Sequence[Patches]) -> None:
    """Patch groups, first with the members that come back, then with those that go.

    A failure is only logged: the edit has failed anyhow, and whoever tries it again will set the
    groups right.
    """
    sets = [_only(patches, value=value) for value in (True, None)]
    try:
        results = await cards.write(
            *(set_cards(cards.account_id, Changes(update=update)) for update in sets)
        )
    except (HttpError, JmapError) as error:
        log.warning("contacts not taken back to their groups", error=str(error))
        return
    for done in results:
        if done.refusal or done.failed:
            reasons = [done.refusal or "", *done.failed.values()]
            told = ", ".join(dict.fromkeys(str(reason) for reason in reasons if reason))
            log.warning("contacts not taken back to their groups", error=told)


def _only(patches: Iterable[Patches], *, value: bool | None) -> Patches:
    """Return those parts of several patches of groups that have this value."""
    picked: Patches = {}
    for part in patches:
        for group, patch in part.items():
            paths = [path for path, each in patch.items() if each is value]
            picked.setdefault(group, {}).update(dict.fromkeys(paths, value))
    return {group: patch for group, patch in picked.items() if patch}
