"""Habits of Apache James 3.8, and of the sandbox with the quirks of James.

RFC 8620 and RFC 8621 forbid these habits or leave them open, and Mailroom has to cope with them.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from mailroom.jmap.session import EVENT_STREAM, JMAP
from mailroom.sandbox import JAMES
from tests.contract.servers import Account, james_account, message, sandbox_account
from tests.support.servers.james import ACCEPT, James

OLDEST_FIRST = [{"property": "receivedAt", "isAscending": True}]


@pytest.fixture(params=["sandbox", pytest.param("james", marks=pytest.mark.james)])
def real_server(request: pytest.FixtureRequest) -> James | None:
    return request.getfixturevalue("james") if request.param == "james" else None


@pytest.fixture
async def account(real_server: James | None) -> AsyncIterator[Account]:
    if real_server is None:
        async with sandbox_account(JAMES) as (account, _):
            yield account
    else:
        async with james_account(real_server) as account:
            yield account


@pytest.fixture
async def real_james(james: James) -> AsyncIterator[Account]:
    async with james_account(james) as account:
        yield account


async def found(account: Account, email_filter: Any) -> int:
    """Return the number of mails that match a filter."""
    return len((await account.call("Email/query", filter=email_filter))["ids"])


async def refused(account: Account, email_filter: Any) -> str:
    """Return the type of the error with which a filter is refused."""
    return str((await account.refusal("Email/query", filter=email_filter))["type"])


async def test_limits(account: Account) -> None:
    path = "/jmap/session" if account.id else "/jmap/"
    session = (await account.ask("GET", path, headers=account.auth)).body
    limits = session["capabilities"]["urn:ietf:params:jmap:core"]
    wanted = {
        "maxSizeRequest": 10_000_000,
        "maxConcurrentRequests": 4,
        "maxCallsInRequest": 16,
        "maxObjectsInGet": 500,
        "maxObjectsInSet": 500,
    }
    assert {name: limits[name] for name in wanted} == wanted


@pytest.mark.james
@pytest.mark.parametrize("path", ["/jmap/session", "/eventSource?types=*&closeAfter=no&ping=1"])
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 404),
        ("text/event-stream", 404),
        (f"text/event-stream, {ACCEPT}", 404),
        (JMAP, 200),
        (EVENT_STREAM, 200),
    ],
)
async def test_the_first_media_type_names_the_version(
    real_james: Account, path: str, accept: str, status: int
) -> None:
    headers = {**real_james.auth, "Accept": accept}
    async with real_james.http.get(real_james.url + path, headers=headers) as response:
        assert response.status == status


async def test_a_mailbox_condition_stands_alone_or_once_at_the_top_of_an_and(
    account: Account,
) -> None:
    for sender in ("ann@x.example", "bob@x.example"):
        await account.deliver(message(sender))
    mailboxes = await account.mailboxes()
    inside = {"inMailbox": mailboxes["Inbox"]}
    others = {"inMailboxOtherThan": [mailboxes["Archive"], mailboxes["Sent"]]}
    ann = {"header": ["From", "ann@x.example"]}
    either = {"operator": "OR", "conditions": [ann, ann]}

    def both(*conditions: Any) -> dict[str, Any]:
        return {"operator": "AND", "conditions": [*conditions]}

    for answered, number in (
        (inside, 2),
        (others, 2),
        ({**inside, **ann}, 1),
        (both(inside, ann), 1),
        (both(inside, either), 1),
        (both(either, inside), 1),
        (both(others, either), 1),
        (either, 1),
    ):
        assert await found(account, answered) == number, answered
    for nested in (
        {"operator": "OR", "conditions": [inside]},
        {"operator": "NOT", "conditions": [others]},
        both(inside, inside),
        both(inside, {"operator": "NOT", "conditions": [inside]}),
        both(either, {"operator": "OR", "conditions": [inside]}),
    ):
        assert await refused(account, nested) == "unsupportedFilter", nested


async def test_from_and_header_find_mail_at_once(account: Account) -> None:
    for sender in ("Ann <ann@x.example>", "joann@x.example", "ann@x.example.org"):
        await account.deliver(message(sender))
    assert await found(account, {"header": ["From", "ann@x.example"]}) == 3
    assert await found(account, {"header": ["from", "@X.EXAMPLE.ORG"]}) == 1
    assert await found(account, {"from": "ann@x.example.org"}) == 1


@pytest.mark.james
async def test_a_field_that_is_not_utf8_is_read_in_one_way_only(real_james: Account) -> None:
    old = message("x@x.example").replace(b"From: x@x.example", b"From: J\xfcrgen <old@x.example>")
    (mail_id,) = await real_james.receive(old)
    every = "header:From:asAddresses:all"
    fields = await real_james.mail(mail_id, every, "from")
    assert fields[every] == [[]]
    assert [address["email"] for address in fields["from"]] == ["old@x.example"]


async def test_a_query_state_belongs_to_a_page_and_a_page_ends_at_256(account: Account) -> None:
    for number in range(260):
        await account.deliver(message("ann@x.example", str(number)))
    asked: dict[str, Any] = {"sort": OLDEST_FIRST, "limit": 500, "calculateTotal": True}
    first = await account.call("Email/query", **asked)
    again = await account.call("Email/query", **asked)
    second = await account.call("Email/query", position=256, **asked)
    end = await account.call("Email/query", position=260, **asked)
    assert [len(page["ids"]) for page in (first, second, end)] == [256, 4, 0]
    assert first["limit"] == second["limit"] == 256
    assert first["queryState"] == again["queryState"]
    assert len({page["queryState"] for page in (first, second, end)}) == 3
    for page in (first, second, end):
        assert "total" not in page
        assert page["canCalculateChanges"] is False
    ids = [*first["ids"], *second["ids"]]
    assert len(set(ids)) == 260
    assert await account.mail(ids[259], "subject") == {"subject": "259"}


async def test_no_query_counts_from_the_end(account: Account) -> None:
    error = await account.refusal("Email/query", position=-1)
    assert error["type"] == "invalidArguments"


async def test_a_set_ignores_if_in_state_and_returns_the_old_state(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    archive = (await account.mailboxes())["Archive"]
    before = await account.state()
    await account.receive(message("bob@x.example"))
    moved_on = await account.state()
    assert moved_on != before
    done = await account.call(
        "Email/set", ifInState=before, update={mail_id: {f"mailboxIds/{archive}": True}}
    )
    assert [*done["updated"]] == [mail_id]
    assert done["oldState"] == moved_on
    assert done["newState"] == await account.state() != moved_on


async def test_a_mail_without_its_last_mailbox_is_destroyed(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    mailboxes = await account.mailboxes()
    inbox, archive = (f"mailboxIds/{mailboxes[name]}" for name in ("Inbox", "Archive"))
    assert await account.patch(mail_id, **{archive: True, inbox: None}) is None
    assert await account.patch(mail_id, **{archive: None}) is None
    gone = await account.call("Email/get", ids=[mail_id], properties=["id"])
    assert (gone["list"], gone["notFound"]) == ([], [mail_id])


async def test_a_mail_that_enters_a_mailbox_is_reported_as_created(account: Account) -> None:
    state = await account.state()
    (mail_id,) = await account.receive(message("ann@x.example"))
    mailboxes = await account.mailboxes()
    inbox, archive = (f"mailboxIds/{mailboxes[name]}" for name in ("Inbox", "Archive"))
    changes = await account.call("Email/changes", sinceState=state)
    assert (changes["created"], changes["updated"]) == ([mail_id], [])
    for patch, created, updated in (
        ({archive: True}, [mail_id], []),
        ({inbox: None}, [], [mail_id]),
        ({"keywords/$flagged": True}, [], [mail_id]),
        ({inbox: True}, [mail_id], []),
    ):
        await account.patch(mail_id, **patch)
        changes = await account.call("Email/changes", sinceState=changes["newState"])
        assert (changes["created"], changes["updated"]) == (created, updated), patch
    assert changes["newState"] == await account.state()


async def test_an_import_ignores_states_and_makes_a_second_mail(account: Account) -> None:
    path = f"/upload/{account.id}" if account.id else f"/jmap/upload/{account.name}/"
    headers = {**account.auth, "Content-Type": "message/rfc822"}
    uploading = await account.ask("POST", path, data=message("a@x.example"), headers=headers)
    assert uploading.status == 201
    emails = {
        "m": {
            "blobId": uploading.body["blobId"],
            "mailboxIds": {(await account.mailboxes())["Inbox"]: True},
            "keywords": {"$mailroom-digest": True},
            "receivedAt": "2026-11-28T08:00:00Z",
        }
    }
    state = await account.state()
    await account.call("Email/import", emails=emails, ifInState=state)
    await account.call("Email/import", emails=emails, ifInState=state)
    assert await found(account, {"hasKeyword": "$mailroom-digest"}) == 2
