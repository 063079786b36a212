"""Which address book and which push an account gets: by its settings, and what is offered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailroom.account import Account, open_account
from mailroom.admin import inspections
from mailroom.admin.check import check
from mailroom.contacts.model import AddressBookError
from mailroom.exits import Exit
from mailroom.jmap.errors import SessionError
from mailroom.report.failures import exit_code
from mailroom.sandbox import Quirks, Sandbox
from mailroom.settings.load import load_settings
from tests.support.owner.person import until
from tests.support.proxy.proxy import proxying


@asynccontextmanager
async def opened(tmp_path: Path, url: str, **settings: str) -> AsyncIterator[Account]:
    """An account on the sandbox that answers at ``url``."""
    environ = {
        "MAILROOM_JMAP_SESSION_URL": f"{url}/jmap/",
        "MAILROOM_JMAP_USERNAME": "alice",
        "MAILROOM_JMAP_PASSWORD": "secret",
        "MAILROOM_SECRETS_DIR": str(tmp_path),
        **settings,
    }
    async with open_account(load_settings(environ, cwd=tmp_path)) as account:
        yield account


@asynccontextmanager
async def an_account(tmp_path: Path, quirks: Quirks, **settings: str) -> AsyncIterator[Account]:
    """An account on a sandbox; where CardDAV is to be found is known."""
    async with (
        Sandbox(quirks=quirks).serve() as sandbox,
        opened(tmp_path, sandbox.url, MAILROOM_CARDDAV_URL=sandbox.url, **settings) as account,
    ):
        yield account


async def told(account: Account, what: str) -> list[tuple[Exit, str]]:
    """What ``check`` finds of one thing."""
    return [(each.code, each.detail) async for each in check(account) if each.what == what]


@pytest.mark.parametrize(
    ("quirks", "backend", "expected"),
    [
        (Quirks(), "auto", "JMAP"),
        (Quirks(contacts=False), "auto", "CardDAV"),
        (Quirks(), "jmap", "JMAP"),
        (Quirks(contacts=False), "carddav", "CardDAV"),
    ],
)
async def test_contacts_come_from_where_they_are(
    tmp_path: Path, quirks: Quirks, backend: str, expected: str
) -> None:
    async with an_account(tmp_path, quirks, MAILROOM_CONTACTS_BACKEND=backend) as account:
        book = await account.book()

        assert (await book.describe()).protocol == expected
        assert await account.book() is book


async def test_contacts_that_are_nowhere(tmp_path: Path) -> None:
    async with (
        Sandbox(quirks=Quirks(contacts=False)).serve() as sandbox,
        opened(tmp_path, sandbox.url) as account,
    ):
        with pytest.raises(AddressBookError) as refused:
            await account.book()

    assert str(refused.value) == (
        "no contacts over JMAP, and CardDAV cannot be used: "
        "MAILROOM_CARDDAV_URL: is missing, because MAILROOM_JMAP_SESSION_URL is not Fastmail's"
    )
    assert exit_code(refused.value) is Exit.CONFIGURATION


async def test_contacts_that_are_to_be_on_a_server_that_has_none(tmp_path: Path) -> None:
    async with an_account(
        tmp_path, Quirks(contacts=False), MAILROOM_CONTACTS_BACKEND="jmap"
    ) as account:
        with pytest.raises(SessionError, match="urn:ietf:params:jmap:contacts"):
            await account.book()


@pytest.mark.parametrize(
    ("quirks", "transport", "expected"),
    [
        (Quirks(), "auto", ["websocket", "eventsource"]),
        (Quirks(websocket=False), "auto", ["eventsource"]),
        (Quirks(), "websocket", ["websocket"]),
        (Quirks(), "eventsource", ["eventsource"]),
    ],
)
async def test_push_comes_the_best_way_that_is_wanted_and_offered(
    tmp_path: Path, quirks: Quirks, transport: str, expected: list[str]
) -> None:
    async with an_account(tmp_path, quirks, MAILROOM_PUSH_TRANSPORT=transport) as account:
        assert [each.name for each in await account.push_choices(ping=30)] == expected

        push = account.push_transport(ping=30)
        assert push is not None
        async with push.connect(""):
            assert push.name == expected[0]


async def test_push_can_be_switched_off(tmp_path: Path) -> None:
    async with an_account(tmp_path, Quirks(), MAILROOM_PUSH_TRANSPORT="off") as account:
        assert account.push_transport(ping=30) is None
        assert await account.push_choices(ping=30) == []
        assert await told(account, "push") == [
            (Exit.OK, "off: new labels are found by the poll only")
        ]


async def test_a_check_says_that_there_is_no_push(tmp_path: Path) -> None:
    async with an_account(tmp_path, Quirks(websocket=False, event_source=False)) as account:
        *_, (code, detail) = await told(account, "push")

    assert code is Exit.FAILED
    assert detail.endswith("unexpected status 204 instead of a stream of events")


async def test_a_check_tells_what_becomes_of_new_mail(tmp_path: Path) -> None:
    off = {"MAILROOM_ARRIVALS_ENABLED": "false"}
    named = {"MAILROOM_ARRIVALS_AUTHSERV_ID": "*.mx.example"}
    for settings, expected in (
        ({}, "screened; no server's verdict on forged senders counts"),
        (named, "screened; the verdict of *.mx.example on forged senders counts"),
        (off, "not screened: your provider's rules have to do it"),
    ):
        quiet = {"MAILROOM_PUSH_TRANSPORT": "off", **settings}
        async with an_account(tmp_path, Quirks(), **quiet) as account:
            assert await told(account, "new mail") == [(Exit.OK, expected)]


async def test_a_check_takes_the_best_push_that_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspections, "_PING", 1)
    async with an_account(tmp_path, Quirks(websocket_life=0.0)) as account:
        found = await told(account, "push")

    first, (code, failed), *rest = found
    assert first == (Exit.OK, "opening websocket, waiting for a sign of life ...")
    assert code is Exit.OK
    assert failed.startswith("websocket cannot be used: ")
    assert rest == [
        (Exit.OK, "opening eventsource, waiting for a sign of life ..."),
        (Exit.OK, "eventsource is alive"),
    ]


async def test_a_check_says_that_no_push_lives(tmp_path: Path) -> None:
    async with an_account(tmp_path, Quirks(websocket=False, stream_life=0.0)) as account:
        *_, (code, detail) = await told(account, "push")

    assert code is Exit.FAILED
    assert detail.endswith("no answer (the stream ended at once)")


async def test_a_check_tries_again_when_a_stream_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By the first ping the check is content: on a busy machine, the test may be that late.
    monkeypatch.setattr(inspections, "_PING", 4)
    async with (
        Sandbox(quirks=Quirks(websocket=False)).serve() as sandbox,
        proxying(sandbox.url) as proxy,
        opened(tmp_path, proxy.url) as account,
    ):
        looking = asyncio.create_task(told(account, "push"), name="check")

        async def streaming() -> bool:
            return proxy.open_streams == 1

        await until(streaming, "a stream is open")
        proxy.end_streams()
        *_, last = await looking

    assert last == (Exit.OK, "eventsource is alive")
