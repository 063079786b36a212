"""Mail that its owner moved while it was patched ends where they put it."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from mailroom.jmap.email_store import Written
from mailroom.jmap.habits import Limitation
from mailroom.jmap.mail import Email, EmailAddress, Patch
from mailroom.sandbox import JAMES, Quirks
from mailroom.screener.model.mend import mend, patched
from mailroom.screener.model.patches import Target, file_swept
from tests.support.domain.builders import PLACES
from tests.support.sandbox.arrivals import a_world

FEED, JAIL = PLACES.destinations["Feed"], PLACES.destinations["Jail"]
SCREENER, INBOX = PLACES.screener, PLACES.inbox
TARGET = Target(frozenset({FEED}), add_to_inbox=False)
PATCH: Patch = {f"mailboxIds/{FEED}": True, f"mailboxIds/{SCREENER}": None}


def ends(now: set[str], before: frozenset[str] = frozenset({SCREENER})) -> frozenset[str]:
    """Where a mail ends that was in ``before`` when it was planned, and is ``now`` after that."""
    sender = (EmailAddress("", "ann@x.example"),)
    planned = Email("M", before, frozenset(), "2026-02-25T12:00:00Z", sender)

    def again(emails: Collection[Email]) -> dict[str, Patch]:
        return {
            each.id: found
            for each in emails
            if (found := file_swept(each, TARGET, PLACES, remove_warning=True))
        }

    seen = replace(planned, mailbox_ids=frozenset(now))
    mended = mend({"M": planned}, {"M": PATCH}, [seen], again)
    return patched(seen.mailbox_ids, mended.get("M", {}))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ({FEED}, {FEED}),
        ({FEED, "archive"}, {"archive"}),
        ({FEED, *PLACES.trash}, PLACES.trash),
        ({FEED, JAIL}, {FEED}),
        ({FEED, SCREENER}, {FEED}),
        ({"archive"}, {"archive"}),
    ],
    ids=[
        "nobody moved it",
        "archived",
        "deleted",
        "another category",
        "put back",
        "archived after",
    ],
)
def test_a_mail_ends_where_its_owner_put_it(now: set[str], end: set[str]) -> None:
    assert ends(now) == end


def test_a_mailbox_that_the_patch_only_keeps_is_no_place_that_its_owner_chose() -> None:
    """Own mail in Sent loses a label, and Sent is set once more; its owner had deleted it."""
    (sent,), (trash,) = PLACES.sent, PLACES.trash
    before = frozenset({sent, "label"})
    own = Email("M", before, frozenset(), "2026-02-25T12:00:00Z", ())
    seen = replace(own, mailbox_ids=frozenset({sent, trash}))
    patch: Patch = {f"mailboxIds/{sent}": True, "mailboxIds/label": None}
    mended = mend({"M": own}, {"M": patch}, [seen], lambda _: {})
    assert patched(seen.mailbox_ids, mended["M"]) == {trash}


def test_a_patch_may_name_all_mailboxes_at_once() -> None:
    assert patched(frozenset("ab"), {"mailboxIds": {"c": True}}) == {"c"}
    assert patched(frozenset("ab"), {"mailboxIds/c": True, "mailboxIds/a": None}) == {"b", "c"}


@pytest.mark.parametrize("quirks", [Quirks(), JAMES], ids=["minds the state", "ignores it"])
async def test_an_update_says_if_it_was_held_to_the_state(quirks: Quirks) -> None:
    async with a_world(quirks) as world:
        mail_id = world.deliver(into="Screener")
        state, _ = await world.account.read([mail_id])
        world.deliver()
        places = world.places
        moves = {mail_id: patch_of(places.screener, places.inbox)}
        written = list[Written]()
        left = await world.account.update_in_state(moves, state, written.append)
        assert [update.was_held for update in written] == ([False] if quirks is JAMES else [])
        assert left == ({} if quirks is JAMES else moves)
        now, _ = await world.account.read([mail_id])
        assert await world.account.update_in_state(moves, now, written.append) == {}
        assert written[-1].was_held


@pytest.mark.parametrize("quirks", [Quirks(), JAMES], ids=["minds the state", "ignores it"])
async def test_the_first_update_finds_out_if_the_state_is_minded(quirks: Quirks) -> None:
    """James may tell as the new state one that somebody else's change has led to meanwhile."""
    async with a_world(quirks) as world:
        account, places = world.account, world.places
        mail_id = world.deliver(into="Screener")
        there = (places.screener, places.inbox)
        for source, destination in (there, there[::-1]):
            state, _ = await account.read([mail_id])
            moves = {mail_id: patch_of(source, destination)}
            answers = list[Written]()
            await account.update_in_state(moves, state, answers.append)
            (written,) = answers
            assert written.was_held
            assert written.response.failed == {}
            assert (Limitation.STATES in account.habits) == (quirks is JAMES)
            assert account.habits.states_are_proven == (quirks is not JAMES)


def patch_of(source: str, destination: str) -> Patch:
    return {f"mailboxIds/{destination}": True, f"mailboxIds/{source}": None}
