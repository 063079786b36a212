"""A server that refuses a patch for its form is asked in another one."""

from collections.abc import Mapping

import pytest

from mailroom.jmap.email_store import Written
from mailroom.jmap.errors import SetError
from mailroom.jmap.mail import Patch
from mailroom.jmap.patch_forms import (
    needs_whole_map,
    was_moved,
    with_whole_map,
    without_new_keywords,
)
from mailroom.sandbox import Quirks
from tests.support.proxy.proxy import Answer, Exchange, Forward
from tests.support.sandbox.arrivals import World, a_world

DIGITS = Quirks(digit_ids=frozenset({"Screener", "Feed"}))


def test_the_whole_map_says_what_the_single_changes_said() -> None:
    patch = {"mailboxIds/7": True, "mailboxIds/inbox": None, "keywords/$seen": True}

    whole = {"mailboxIds": {"7": True, "archive": True}, "keywords/$seen": True}
    assert with_whole_map(patch, ["inbox", "archive"]) == whole
    assert not needs_whole_map(whole, SetError("invalidProperties"))


@pytest.mark.parametrize("kind", ["invalidProperties", "invalidPatch"])
def test_only_single_changes_of_mailboxes_need_the_whole_map(kind: str) -> None:
    assert needs_whole_map({"mailboxIds/7": True}, SetError(kind))
    assert not needs_whole_map({"keywords/a": True}, SetError(kind))
    assert not needs_whole_map({"mailboxIds/7": True}, SetError("overQuota"))


def test_new_keywords_are_left_out_if_there_is_no_room_for_them() -> None:
    patch: Patch = {"mailboxIds/7": True, "keywords/new": True, "keywords/old": None}
    no_room = SetError("tooManyKeywords")

    rest = {"mailboxIds/7": True, "keywords/old": None}
    assert without_new_keywords(patch, no_room) == rest
    assert without_new_keywords(patch, SetError("overQuota")) is None
    assert without_new_keywords(rest, no_room) is None
    assert without_new_keywords({"keywords/new": True}, no_room) is None


def screened(world: World, *email_ids: str) -> dict[str, Patch]:
    places = world.places
    patch = {
        f"mailboxIds/{places.screener}": True,
        f"mailboxIds/{places.inbox}": None,
        "keywords/screened": True,
    }
    return dict.fromkeys(email_ids, patch)


async def in_state(world: World, patches: Mapping[str, Patch], state: str) -> dict[str, str]:
    """What became of each mail; those that are left out were left as they were."""
    done = list[Written]()
    left = await world.account.update_in_state(patches, state, done.append)
    outcome = {
        email_id: str(written.response.failed.get(email_id, ""))
        for written in done
        for email_id in written.patches
    }
    assert left == {email_id: patches[email_id] for email_id in patches.keys() - outcome.keys()}
    return outcome


async def test_mailboxes_with_ids_of_digits() -> None:
    async with a_world(DIGITS) as world:
        first, second = world.deliver(), world.deliver()
        world.console.label(second, add=["Archive"])
        state, _ = await world.account.read([first])

        done = await in_state(world, screened(world, first, second), state)
        assert done == {first: "", second: ""}
        assert world.where(first) == {"Screener"}
        assert world.where(second) == {"Screener", "Archive"}
        keywords = {each.id: each.keywords for each in world.console.mails()}
        assert keywords == {first: {"screened"}, second: {"screened"}}


async def test_the_whole_map_is_held_to_the_state_in_which_it_is_right() -> None:
    async with a_world(DIGITS) as world:
        mail_id = world.deliver()
        state, _ = await world.account.read([mail_id])

        async def archive_first(exchange: Exchange, forward: Forward) -> Answer:
            if b'"mailboxIds":{' in exchange.body:
                world.console.label(mail_id, add=["Archive"], remove=["Inbox"])
            return await forward()

        world.proxy.intercept = archive_first
        assert await in_state(world, screened(world, mail_id), state) == {}
        assert world.where(mail_id) == {"Archive"}


async def test_what_moved_meanwhile_is_written_from_where_it_is() -> None:
    async with a_world(DIGITS) as world:
        mail_id, moves = world.deliver(), ["Archive"]

        async def archive_first(exchange: Exchange, forward: Forward) -> Answer:
            if b'"mailboxIds":{' in exchange.body and moves:
                world.console.label(mail_id, add=[moves.pop()])
            return await forward()

        world.proxy.intercept = archive_first
        ((asked, update),) = await world.account.update(screened(world, mail_id))
        assert (set(asked), update.failed) == ({mail_id}, {})
        assert world.where(mail_id) == {"Screener", "Archive"}


async def test_an_account_that_never_stands_still_fails_for_now() -> None:
    async with a_world(DIGITS) as world:
        mail_id, other = world.deliver(), world.deliver()

        async def touch(exchange: Exchange, forward: Forward) -> Answer:
            if b'"mailboxIds":{' in exchange.body:
                has = "Trash" in world.where(other)
                world.console.label(other, **({"remove": ["Trash"]} if has else {"add": ["Trash"]}))
            return await forward()

        world.proxy.intercept = touch
        ((_, update),) = await world.account.update(screened(world, mail_id))
        assert not update.failed[mail_id].is_lasting
        assert world.where(mail_id) == {"Inbox"}


async def test_no_room_for_keywords() -> None:
    async with a_world(Quirks(max_keywords=0)) as world:
        mail_id = world.deliver()
        state, _ = await world.account.read([mail_id])

        assert await in_state(world, screened(world, mail_id), state) == {mail_id: ""}
        assert world.where(mail_id) == {"Screener"}


async def test_no_room_for_keywords_and_ids_of_digits() -> None:
    async with a_world(Quirks(max_keywords=0, digit_ids=frozenset({"Screener"}))) as world:
        mails = [world.deliver() for _ in range(3)]
        state, _ = await world.account.read(mails)

        assert await in_state(world, screened(world, *mails), state) == dict.fromkeys(mails, "")
        assert len(world.console.mails("Screener")) == 3


async def test_what_is_refused_for_another_reason_is_asked_once() -> None:
    async with a_world() as world:
        mail_id = world.deliver()
        asked = len(world.proxy.exchanges)
        unknown = {mail_id: {"keywords/a b": True}}

        ((_, update),) = await world.account.update(unknown)
        assert update.failed[mail_id].is_lasting
        assert len(world.proxy.exchanges) == asked + 1


async def test_a_mail_that_is_gone_by_then_is_gone() -> None:
    async with a_world(DIGITS) as world:
        mail_id = world.deliver()

        async def destroy_first(exchange: Exchange, forward: Forward) -> Answer:
            answer = await forward()
            if b"invalidProperties" in answer.body:
                world.console.account.mail.destroy(mail_id)
            return answer

        world.proxy.intercept = destroy_first
        done = await world.account.update(screened(world, mail_id))
        assert [update.failed[mail_id].type for _, update in done if mail_id in update.failed] == [
            "notFound"
        ]


def test_a_mail_that_has_left_a_mailbox_was_moved() -> None:
    patch = {"mailboxIds/7": True, "mailboxIds/screener": None, "keywords/$seen": None}
    assert not was_moved(patch, ["screener"])
    assert not was_moved(patch, ["screener", "archive"])
    assert was_moved(patch, ["trash"])
    assert not was_moved({"mailboxIds/7": True}, ["trash"])
