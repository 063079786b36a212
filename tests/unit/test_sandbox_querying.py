"""Habits of real servers' queries, imitated by the sandbox."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailroom.sandbox import CYRUS_3_14, JAMES, STALWART, Limits, Querying, Quirks
from mailroom.sandbox.filters import mailboxes_of
from tests.support.sandbox.client import Client, mail, serving

DAY = datetime(2026, 2, 25, tzinfo=UTC)
OLDEST_FIRST = [{"property": "receivedAt", "isAscending": True}]
NEWEST_FIRST = [{"property": "receivedAt", "isAscending": False}]


async def found(client: Client, email_filter: Any, **more: Any) -> list[str]:
    answer = await client.call("Email/query", filter=email_filter, sort=OLDEST_FIRST, **more)
    assert "ids" in answer, answer
    return list(answer["ids"])


def deliver(client: Client, count: int) -> list[str]:
    times = [DAY + timedelta(minutes=number) for number in range(count)]
    return [client.sandbox.deliver(mail(), received_at=each) for each in times]


def box(client: Client, name: str = "Inbox") -> str:
    store = client.sandbox.account("alice").mail
    return next(each.id for each in store.mailboxes.values() if each.name == name)


async def test_the_index_may_be_behind_by_the_newest_mails() -> None:
    async with serving(Quirks(querying=Querying(behind=2))) as client:
        ids = deliver(client, 5)
        assert await found(client, {"from": "ann@x.example"}) == ids[:3]
        assert await found(client, {"header": ["From", "ann"]}) == ids


async def test_mail_may_be_indexed_only_while_no_other_comes() -> None:
    now = 0.0
    quirks = Quirks(index_lag=3.0, querying=Querying(indexes_when_idle=True))
    async with serving(quirks, clock=lambda: now) as client:
        (first,) = deliver(client, 1)
        now = 2.0
        (second,) = deliver(client, 1)
        now = 4.0
        assert await found(client, {"from": "ann@x.example"}) == []
        now = 5.0
        assert await found(client, {"from": "ann@x.example"}) == [first, second]


async def test_a_moved_mail_may_be_a_new_record_for_the_index() -> None:
    now = 0.0
    quirks = Quirks(index_lag=3.0, querying=Querying(moved_is_new=True))
    async with serving(quirks, clock=lambda: now) as client:
        moved, kept = deliver(client, 2)
        now = 3.0
        assert await found(client, {"from": "ann@x.example"}) == [moved, kept]
        await client.patch(moved, mailboxIds={box(client, "Archive"): True})
        await client.patch(kept, keywords={"$seen": True})
        assert await found(client, {"from": "ann@x.example"}) == [kept]


@pytest.mark.parametrize(("where", "finds"), [("mail", 3), ("index", 2), ("nowhere", 0)])
async def test_where_header_looks(where: Any, finds: int) -> None:
    async with serving(Quirks(querying=Querying(behind=1, header=where))) as client:
        ids = deliver(client, 3)
        assert await found(client, {"header": ["From", "ann"]}) == ids[:finds]


async def test_the_sort_may_use_the_index_and_mail_that_is_not_in_it_comes_last() -> None:
    async with serving(Quirks(querying=Querying(behind=1, dates_are_indexed=True))) as client:
        one, two, three = deliver(client, 3)
        inbox = {"inMailbox": box(client)}
        assert await found(client, inbox) == [one, two, three]
        newest_first = await client.call("Email/query", filter=inbox, sort=NEWEST_FIRST)
        assert newest_first["ids"] == [two, one, three]
        assert await found(client, inbox, position=-1) == [three]


async def test_a_text_criterion_may_hide_what_is_not_indexed() -> None:
    async with serving(CYRUS_3_14) as client:
        ids = deliver(client, 2)
        header = {"header": ["From", "ann"]}
        either = {"operator": "OR", "conditions": [{"from": "ann@x.example"}, header]}
        assert await found(client, header) == ids
        assert await found(client, either) == []


async def test_mailboxes_may_not_be_nested() -> None:
    async with serving(JAMES) as client:
        ids = deliver(client, 1)
        inside = {"inMailbox": box(client)}
        header = {"header": ["From", "ann"]}
        either = {"operator": "OR", "conditions": [header, header]}
        others = {"inMailboxOtherThan": [box(client, "Sent"), box(client, "Trash")]}
        for allowed in (
            inside,
            others,
            either,
            {**inside, **header},
            {"operator": "AND", "conditions": [inside, either]},
            {"operator": "AND", "conditions": [others, either]},
        ):
            assert await found(client, allowed) == ids
        for refused in (
            {"operator": "OR", "conditions": [inside]},
            {"operator": "AND", "conditions": [inside, others]},
            {"operator": "AND", "conditions": [{"operator": "OR", "conditions": [inside]}]},
        ):
            error = await client.call("Email/query", filter=refused)
            assert error["type"] == "unsupportedFilter"
            assert error["description"] == "Nested inMailbox filters are not supported"


async def test_an_operator_behind_an_empty_condition_may_cut_the_query_short() -> None:
    async with serving(STALWART) as client:
        ids = deliver(client, 1)
        inside, empty = {"inMailbox": box(client)}, {"inMailbox": box(client, "Sent")}
        either = {"operator": "OR", "conditions": [inside, empty]}
        cut = {"operator": "AND", "conditions": [empty, either]}
        flat = {"operator": "AND", "conditions": [empty, inside]}
        assert await found(client, {"operator": "OR", "conditions": [cut, inside]}) == []
        assert await found(client, {"operator": "OR", "conditions": [flat, inside]}) == ids
        assert await found(client, {"operator": "AND", "conditions": [inside, either]}) == ids


async def test_a_query_state_may_be_a_hash_of_the_page_and_a_total_never_told() -> None:
    async with serving(JAMES) as client:
        deliver(client, 300)
        asked: dict[str, Any] = {"sort": OLDEST_FIRST, "limit": 500, "calculateTotal": True}
        first = await client.call("Email/query", **asked)
        second = await client.call("Email/query", position=256, **asked)
        assert (len(first["ids"]), first["limit"], len(second["ids"])) == (256, 256, 44)
        assert "total" not in first
        assert first["queryState"] != second["queryState"]
        error = await client.call("Email/query", position=-1)
        assert error["type"] == "invalidArguments"


async def test_if_in_state_may_be_ignored_and_the_old_state_told() -> None:
    async with serving(JAMES) as client:
        (mail_id,) = deliver(client, 1)
        state = (await client.call("Email/get", ids=[], properties=["id"]))["state"]
        deliver(client, 1)
        update = {mail_id: {"keywords/$seen": True}}
        done = await client.call("Email/set", ifInState=state, update=update)
        assert mail_id in done["updated"]
        assert done["oldState"] not in {state, None}


async def test_all_objects_may_be_cut_to_the_limit() -> None:
    quirks = Quirks(limits=Limits(max_objects_in_get=3), querying=Querying(cuts_all=True))
    async with serving(quirks) as client:
        assert len((await client.call("Mailbox/get", ids=None))["list"]) == 3
        pages = [
            (await client.call("Mailbox/query", position=position, limit=4))["ids"]
            for position in (0, 4, 8)
        ]
        assert [len(each) for each in pages] == [4, 2, 0]


async def test_a_raw_header_may_come_back_under_its_short_name() -> None:
    async with serving(STALWART) as client:
        (mail_id,) = deliver(client, 1)
        names = ["header:Subject:asRaw:all", "header:Subject:asText"]
        (shown,) = (await client.call("Email/get", ids=[mail_id], properties=names))["list"]
        assert shown == {
            "id": mail_id,
            "header:Subject:all": [" Hello"],
            "header:Subject:asText": "Hello",
        }


async def test_an_unknown_mailbox_may_hold_no_mail() -> None:
    async with serving(STALWART) as client:
        deliver(client, 1)
        assert await found(client, {"inMailbox": "nobody"}) == []


A, B = {"inMailbox": "a"}, {"inMailbox": "b"}
FLAGGED = {"hasKeyword": "$flagged"}


def _and(*conditions: Any) -> Any:
    return {"operator": "AND", "conditions": list(conditions)}


def _or(*conditions: Any) -> Any:
    return {"operator": "OR", "conditions": list(conditions)}


@pytest.mark.parametrize(
    ("email_filter", "inside"),
    [
        (None, None),
        (FLAGGED, None),
        (A, {"a"}),
        ({**A, **FLAGGED}, {"a"}),
        (_or(A, B), {"a", "b"}),
        (_or(A, FLAGGED), None),
        (_or(), set()),
        (_and(), None),
        (_and(FLAGGED, _or(A, B)), {"a", "b"}),
        (_and(_or(A, B), B), {"b"}),
        ({"inMailboxOtherThan": ["a"]}, None),
    ],
)
def test_only_mail_in_the_mailboxes_that_a_filter_names_is_looked_at(
    email_filter: Any, inside: set[str] | None
) -> None:
    assert mailboxes_of(email_filter) == inside
