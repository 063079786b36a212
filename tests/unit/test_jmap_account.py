"""One account's mail: which account, listing it page by page, looking behind updates."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailroom.jmap.errors import MethodError, SessionError
from mailroom.jmap.mail import Email, Patch
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.session import MAIL, SUBMISSION
from tests.support.scripted.jmap import Invocation, JmapServer, Mails, Responses


def numbered(count: int) -> list[str]:
    return [f"M{number:04}" for number in range(count)]


def box(name: str = "m") -> dict[str, str]:
    return {"inMailbox": name}


@asynccontextmanager
async def account_on(mails: Mails, **core: int) -> AsyncIterator[tuple[JmapServer, MailAccount]]:
    server = JmapServer(respond=mails, core=core)
    async with server.running() as (client, _):
        yield server, await MailAccount.open(client)


async def listed(mails: Mails, **core: int) -> tuple[list[str], JmapServer]:
    """The ids of all mails in mailbox m, in the order they are listed."""
    async with account_on(mails, **core) as (server, account):
        (first,) = await account.client.perform(account.first_page(box()))
        return ids_of(await account.whole_result(box(), first)), server


def ids_of(emails: Sequence[Email]) -> list[str]:
    return [email.id for email in emails]


async def test_one_page_needs_one_request_once_a_total_was_more_than_its_page() -> None:
    mails = Mails({"m": numbered(100), "large": numbered(300)}, cap=lambda _: 200)
    async with account_on(mails) as (server, account):
        for name in ("large", "m"):
            before = len(server.requests)
            (first,) = await account.client.perform(account.first_page(box(name)))
            await account.whole_result(box(name), first)
        assert len(server.requests) == before + 1


async def test_a_total_that_is_no_more_than_its_page_is_not_relied_on() -> None:
    mails = Mails({"m": numbered(100)}, cap=lambda _: 30, total=lambda end, _: end)
    ids, _ = await listed(mails)
    assert ids == numbered(100)
    assert [position for position, _ in mails.asked] == [0, 30, 60, 90, 100]


@pytest.mark.parametrize("states", ["hashes", "none"])
async def test_states_of_queries_are_not_compared(states: str) -> None:
    mails = Mails(
        {"m": numbered(9)}, query_state=lambda position: str(position) if states == "hashes" else ""
    )
    ids, server = await listed(mails, maxObjectsInGet=2)
    assert ids == numbered(9)
    assert len(server.requests) == 2


async def test_an_empty_result_needs_no_other_page() -> None:
    ids, server = await listed(Mails({"m": []}))
    assert ids == []
    assert len(server.requests) == 1


async def test_the_other_pages_are_read_at_once() -> None:
    mails = Mails({"m": numbered(1000)})
    ids, server = await listed(mails, maxObjectsInGet=100, maxCallsInRequest=50)
    assert ids == numbered(1000)
    # The last page is full, so the total may just be the limit up to which the server counts.
    assert mails.asked == [(position, 100) for position in range(0, 1100, 100)]
    assert len(server.requests) == 2


@pytest.mark.parametrize(("limit", "expected"), [(500, 500), (4096, 4096), (100_000, 4096)])
async def test_no_page_is_larger_than_what_one_get_may_carry(limit: int, expected: int) -> None:
    mails = Mails({"m": []})
    await listed(mails, maxObjectsInGet=limit)
    assert mails.asked == [(0, expected)]


@pytest.mark.parametrize("tells_total", [True, False])
async def test_a_server_may_give_fewer_than_it_was_asked_for(*, tells_total: bool) -> None:
    mails = Mails({"m": numbered(10)}, cap=lambda _: 3, tells_total=tells_total)
    ids, _ = await listed(mails)
    assert ids == numbered(10)
    read = [position for position, _ in mails.asked]
    assert read == [0, 3, 6, 9, *([] if tells_total else [10])]


async def test_without_a_total_pages_are_read_until_one_is_empty() -> None:
    mails = Mails({"m": numbered(4)}, tells_total=False)
    ids, _ = await listed(mails, maxObjectsInGet=2)
    assert ids == numbered(4)
    assert mails.asked == [(0, 2), (2, 2), (4, 2)]


async def test_no_mail_is_missed_where_pages_differ_in_length() -> None:
    caps = {0: 4, 4: 1, 8: 2}
    mails = Mails({"m": numbered(10)}, cap=lambda position: caps.get(position, 4))
    ids, _ = await listed(mails)
    assert ids == numbered(10)


@settings(max_examples=50)
@given(
    count=st.integers(0, 30),
    caps=st.lists(st.integers(1, 6), min_size=31, max_size=31),
    tells_total=st.booleans(),
    limit=st.integers(1, 9),
)
def test_every_mail_is_listed_once_and_in_order(
    *, count: int, caps: list[int], tells_total: bool, limit: int
) -> None:
    mails = Mails({"m": numbered(count)}, caps.__getitem__, tells_total=tells_total)
    ids, _ = asyncio.run(listed(mails, maxObjectsInGet=limit))
    assert ids == numbered(count)


async def test_a_mail_that_is_gone_when_it_is_read_does_not_shift_the_pages() -> None:
    mails = Mails({"m": numbered(6)}, gone=frozenset({"M0001"}))
    ids, _ = await listed(mails, maxObjectsInGet=2)
    assert ids == [each for each in numbered(6) if each != "M0001"]


@pytest.mark.parametrize("tells_total", [True, False])
async def test_a_result_that_moves_while_it_is_read_is_read_again_and_united(
    *, tells_total: bool
) -> None:
    """M0002 was gone from the first page when the second one was read, and all others moved up."""
    mails = Mails({"m": numbered(6)}, tells_total=tells_total, state=str)

    def state(queries: int) -> str:
        if queries == 2:
            mails.boxes["m"] = [each for each in numbered(6) if each != "M0000"]
        return "1" if queries < 2 else "2"

    mails.state = state
    ids, _ = await listed(mails, maxObjectsInGet=2)
    assert set(ids) == set(numbered(6)), "each stood in one of the readings"


async def test_a_result_that_always_moves_is_not_read_for_ever() -> None:
    mails = Mails({"m": numbered(6)}, state=str)
    ids, server = await listed(mails, maxObjectsInGet=2)
    assert ids == numbered(6)
    assert len(server.requests) == 6, "three readings of two requests each"


async def test_several_filters_give_each_mail_once_oldest_first() -> None:
    mails = Mails(
        {"a": ["M3", "M1"], "b": ["M1", "M2", "M0"]},
        received={"M0": "2026-01-02", "M1": "2026-01-01", "M2": "2026-01-03", "M3": "2026-01-02"},
    )
    async with account_on(mails) as (_, account):
        _, emails = await account.find([box("a"), box("b")])
    assert ids_of(emails) == ["M1", "M0", "M3", "M2"]


async def test_the_pages_of_several_filters_are_kept_apart() -> None:
    mails = Mails({"a": ["M0", "M1", "M2"], "b": ["M3", "M4", "M5", "M6"]})
    async with account_on(mails, maxObjectsInGet=2) as (_, account):
        _, emails = await account.find([box("a"), box("b")])
    assert ids_of(emails) == [f"M{number}" for number in range(7)]


async def test_nothing_to_find_asks_for_nothing() -> None:
    async with account_on(Mails({})) as (server, account):
        assert await account.find([]) == ([], ())
    assert server.requests == []


def patches(count: int) -> dict[str, Patch]:
    return {each: {"mailboxIds/x": True, "mailboxIds/y": None} for each in numbered(count)}


async def test_updates_go_along_in_front_of_the_search() -> None:
    mails = Mails({"m": ["M7"]})
    async with account_on(mails) as (server, account):
        updates, emails = await account.find([box()], preceded_by=account.updates(patches(1)))
    assert server.calls[0] == ["Email/set", "Email/get", "Email/query", "Email/get"]
    assert [(each.old_state, each.new_state, each.failed) for each in updates] == [("1", "2", {})]
    assert ids_of(emails) == ["M7"]


async def test_updates_that_fill_several_requests_are_done_before_the_search() -> None:
    mails = Mails({"m": ["M7"]})
    async with account_on(mails, maxObjectsInSet=10, maxCallsInRequest=3) as (_, account):
        updates, emails = await account.find([box()], preceded_by=account.updates(patches(95)))
    assert len(updates) == 10
    found_at = mails.log.index("Email/query")
    assert set(numbered(95)) <= set(mails.log[:found_at])
    assert ids_of(emails) == ["M7"]


async def test_a_refused_search_is_reported() -> None:
    def refuse(calls: list[Invocation]) -> Responses:
        return [["error", {"type": "unsupportedFilter"}, call[2]] for call in calls]

    server = JmapServer(respond=refuse)
    async with server.running() as (client, _):
        account = await MailAccount.open(client)
        with pytest.raises(MethodError) as caught:
            await account.find([box()])
    assert caught.value.type == "unsupportedFilter"


@pytest.mark.parametrize(
    ("in_set", "pieces"), [(None, [500, 500, 200]), (4096, [500, 500, 200]), (400, [400] * 3)]
)
async def test_updates_are_cut_to_what_a_set_may_hold(
    in_set: int | None, pieces: list[int]
) -> None:
    core = {} if in_set is None else {"maxObjectsInSet": in_set}
    async with account_on(Mails({}), **core) as (_, account):
        operations = account.updates(patches(1200))
    assert [len(each.calls[0].arguments["update"]) for each in operations] == pieces


async def test_updates_are_cut_to_the_size_of_a_request() -> None:
    async with account_on(Mails({}), maxSizeRequest=10_000) as (server, account):
        updates = await account.client.perform_all(account.updates(patches(1000)))
    assert not any(each.failed for each in updates)
    assert max(server.octets) <= 10_000


OWN: dict[str, Any] = {"accountCapabilities": {MAIL: {}, SUBMISSION: {}}}
ONLY_MAIL: dict[str, Any] = {"accountCapabilities": {MAIL: {}}}


async def test_the_wanted_account_is_opened() -> None:
    server = JmapServer(accounts={"alice": OWN, "shared": OWN})
    async with server.running() as (client, _):
        assert (await MailAccount.open(client)).id == "alice"
        assert (await MailAccount.open(client, wanted="shared")).id == "shared"
        with pytest.raises(SessionError):
            await MailAccount.open(client, wanted="bob")


async def test_the_users_addresses_are_asked_for() -> None:
    async with account_on(Mails({})) as (server, account):
        assert await account.client.perform(account.identities()) == (("ann@example.com",),)
    assert server.requests[0]["using"] == ["urn:ietf:params:jmap:core", SUBMISSION]


@pytest.mark.parametrize(
    ("username", "expected"), [("ann@example.com", ("ann@example.com",)), ("alice", ()), ("", ())]
)
async def test_credentials_that_may_not_see_identities_leave_the_username(
    username: str, expected: tuple[str, ...]
) -> None:
    server = JmapServer(accounts={"alice": ONLY_MAIL}, username=username)
    async with server.running() as (client, _):
        account = await MailAccount.open(client)
        assert await client.perform(account.identities()) == (expected,)
    assert server.requests == []


async def test_a_refreshed_account_keeps_to_the_new_limits() -> None:
    mails = Mails({"m": []})
    async with account_on(mails, maxObjectsInGet=10) as (server, account):
        server.session_state, server.core = "1", {"maxObjectsInGet": 20}
        await account.client.perform(account.first_page(box()))
        await account.refresh()
        await account.client.perform(account.first_page(box()))
    assert mails.asked == [(0, 10), (0, 20)]


async def test_an_account_that_is_taken_away_is_missed() -> None:
    async with account_on(Mails({})) as (server, account):
        server.accounts = {"bob": OWN}
        account.client.forget_session()
        with pytest.raises(SessionError) as caught:
            await account.refresh()
    assert "'alice'" in str(caught.value)
