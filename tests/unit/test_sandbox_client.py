"""Mailroom's own client meets the sandbox: the session, paging, updates, push."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from yarl import URL

from mailroom.http import Credentials, HttpClient
from mailroom.jmap.client import JmapClient
from mailroom.jmap.eventsource import EventSourceTransport
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.mailboxes import create_mailboxes, get_mailboxes
from mailroom.jmap.push import (
    Connected,
    Disconnected,
    Push,
    PushEvent,
    StateChange,
)
from mailroom.jmap.websocket import WebSocketTransport
from mailroom.sandbox import STALWART_LIMITS, Limits, Quirks, Sandbox
from tests.support.sandbox.client import ALICE, mail


@dataclass
class Client:
    sandbox: Sandbox
    http: HttpClient
    jmap: JmapClient
    account: MailAccount


@asynccontextmanager
async def client_of(quirks: Quirks | None = None) -> AsyncIterator[Client]:
    async with (
        Sandbox(users=[ALICE], quirks=quirks).serve() as sandbox,
        aiohttp.ClientSession() as session,
    ):
        http = HttpClient(session, Credentials.basic("alice", "secret"))
        jmap = JmapClient(http, URL(sandbox.session_url))
        yield Client(sandbox, http, jmap, await MailAccount.open(jmap))


@pytest.mark.parametrize("absolute_urls", [False, True])
async def test_the_session_is_understood(*, absolute_urls: bool) -> None:
    quirks = Quirks(limits=STALWART_LIMITS, absolute_urls=absolute_urls)
    async with client_of(quirks) as client:
        session = await client.jmap.session()
        assert str(session.api_url) == f"{client.sandbox.url}/jmap/"
        assert session.event_source_template.startswith(f"{client.sandbox.url}/jmap/eventsource/?")
        assert (session.limits.max_objects_in_get, session.limits.max_calls_in_request) == (500, 16)
        identities, mailboxes = await client.jmap.perform(
            client.account.identities(), get_mailboxes(client.account.id)
        )
        assert "alice@example.com" in identities
        assert {each.role for each in mailboxes if each.name == "Spam"} == {"junk"}


@pytest.mark.parametrize("limits", [Limits(), Limits(max_objects_in_get=7), Limits(max_query=3)])
async def test_all_mail_is_found_page_by_page(limits: Limits) -> None:
    async with client_of(Quirks(limits=limits)) as client:
        wanted = [client.sandbox.deliver(mail(f"{n} <ann@x.example>")) for n in range(20)]
        for number in range(5):
            client.sandbox.deliver(mail(f"b{number}@x.example"))
        _, found = await client.account.find([{"from": "ann@x.example"}])
        assert {each.id for each in found} == set(wanted)
        names = {each.name for email in found for each in email.from_}
        assert names == {str(number) for number in range(20)}


async def test_updates_are_cut_to_the_limits_and_what_is_throttled_is_sent_again() -> None:
    quirks = Quirks(
        limits=Limits(max_objects_in_set=4, max_concurrent_requests=2), throttle_every=5
    )
    async with client_of(quirks) as client:
        ids = [client.sandbox.deliver(mail()) for _ in range(9)]
        archive = client.sandbox.owner().mailboxes()["Archive"]
        patches = {each: {f"mailboxIds/{archive}": True} for each in ids}
        done = await client.jmap.perform_all(client.account.updates(patches))
        assert [each.failed for each in done if each.failed] == []
        assert {each.id for each in client.sandbox.mails("Archive")} == set(ids)


async def test_mailboxes_are_created() -> None:
    async with client_of() as client:
        wanted = {"a": {"name": "A"}, "b": {"name": "B", "parentId": "#a"}, "c": {"name": ""}}
        (made,) = await client.jmap.perform(create_mailboxes(client.account.id, wanted))
        assert list(made.failed) == ["c"]
        assert "A/B" in client.sandbox.owner().mailboxes()


async def next_of(events: AsyncGenerator[PushEvent, None], kind: type[PushEvent]) -> PushEvent:
    async with asyncio.timeout(20):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError("push ended")


async def test_push_tells_of_mail_and_resumes_after_a_clean_end() -> None:
    async with client_of(Quirks(stream_life=0.3, event_source_template=False)) as client:

        async def template() -> str:
            return (await client.jmap.session()).event_source_template

        transport = EventSourceTransport(client.http, template, types=("Email",), ping=30)
        paused = asyncio.Event()

        async def pause(_: float) -> None:
            client.sandbox.deliver(mail(subject="meanwhile"))
            paused.set()

        push = Push(transport.connect, transport=transport.name, sleep=pause)
        async with aclosing(push.events()) as events:
            await next_of(events, Connected)
            client.sandbox.deliver(mail())
            change = await next_of(events, StateChange)
            state = str(client.sandbox.account().mail.state())
            assert isinstance(change, StateChange)
            assert change.for_account("alice") == {"Email": state}
            end = await next_of(events, Disconnected)
            assert isinstance(end, Disconnected)
            assert end.error is None
            missed = await next_of(events, StateChange)
            assert paused.is_set()
            assert isinstance(missed, StateChange)
            assert missed.for_account("alice") != {"Email": state}


@pytest.mark.parametrize("absolute_urls", [False, True])
async def test_push_over_websocket_resumes_too(*, absolute_urls: bool) -> None:
    quirks = Quirks(websocket_life=0.3, absolute_urls=absolute_urls)
    async with client_of(quirks) as client:

        async def url() -> URL | None:
            return (await client.jmap.session()).websocket_url

        transport = WebSocketTransport(
            Credentials.basic("alice", "secret"), url, types=("Email", "Mailbox"), ping=30
        )

        async def pause(_: float) -> None:
            client.sandbox.deliver(mail(subject="meanwhile"))

        push = Push(transport.connect, transport=transport.name, sleep=pause)
        async with aclosing(push.events()) as events:
            await next_of(events, Connected)
            client.sandbox.deliver(mail())
            for _ in range(2):
                change = await next_of(events, StateChange)
                state = str(client.sandbox.account().mail.state())
                assert isinstance(change, StateChange)
                assert change.for_account("alice") == {"Email": state, "Mailbox": state}
