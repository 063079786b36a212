"""What the running service tells of what it cannot do: the service in this process."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.owner.person import Owner, message, until
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy, pass_through
from tests.support.service.process import Service
from tests.support.variants.worlds import OnSandbox, Variant

BOB = "Bob <bob@corp.example>"
JANE = "Jane <jane@shop.example>"


@pytest.fixture
def world(tmp_path: Path) -> OnSandbox:
    return OnSandbox(Variant("sandbox", "carddav", "eventsource"), tmp_path)


async def until_told(service: Service, key: str, text: str) -> dict[str, Any]:
    """Wait until a part of the account's health has a text in it; gives all of it."""

    async def told() -> bool:
        return text in str((await service.health())[key])

    await until(told, f"{text!r} under {key!r}")
    return await service.health()


async def test_whom_the_server_refuses_for_good_is_named_with_its_words(
    world: OnSandbox, alice: Owner, proxy: Proxy
) -> None:
    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        is_bobs = exchange.method == "PUT" and b"bob@corp.example" in exchange.body
        return Answer(507, body=b"the disk is full") if is_bobs else await forward()

    mails = await alice.receive(message(BOB, "bob"), message(JANE, "jane"))
    async with world.start(alice, http=proxy.url) as service:
        proxy.intercept = intercept
        await alice.tap(mails, "@ToFeed")
        health = await until_told(service, "stuck", "507")
        assert list(health["stuck"]) == ["bob@corp.example"]
        await alice.until_triaged("jane")
        assert "jane@shop.example" not in str(health)


async def test_what_is_put_off_is_reported_until_it_is_done(
    world: OnSandbox, alice: Owner, proxy: Proxy
) -> None:
    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        is_bobs = exchange.method == "PUT" and b"bob@corp.example" in exchange.body
        return Answer(500) if is_bobs else await forward()

    mails = await alice.receive(message(BOB, "bob"), message(JANE, "jane"))
    async with world.start(alice, http=proxy.url) as service:
        proxy.intercept = intercept
        await alice.tap(mails, "@ToFeed")
        health = await until_told(service, "incomplete", "500")
        (left,) = health["incomplete"]
        assert (left["what"], left["count"]) == ("decision", 1)
        assert "bob@corp.example" not in str(health)
        proxy.intercept = pass_through
        await alice.until_triaged()

        async def done() -> bool:
            return not (await service.health())["incomplete"]

        await until(done, "nothing is left")


async def test_why_a_pass_failed_is_reported_without_secrets(
    world: OnSandbox, alice: Owner, proxy: Proxy
) -> None:
    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        said = exchange.headers["Authorization"] + alice.password
        return Answer(401, body=said.encode()) if exchange.method == "POST" else await forward()

    async with world.start(alice, http=proxy.url) as service:
        proxy.intercept = intercept
        (mail,) = await alice.receive(message(BOB, "bob"))
        await alice.tap(mail, "@ToFeed")
        health = await until_told(service, "last_failure", "credentials refused (401)")
        assert alice.password not in str(health)
        assert "Basic " not in str(health) or "Basic ***" in str(health)
