"""The health port, as probes and people see it."""

import json

from tests.e2e.conftest import Start
from tests.support.owner.person import Person, message, until
from tests.support.proxy.passes import until_started
from tests.support.proxy.proxy import Proxy
from tests.support.service.process import Running


async def until_status(service: Running, path: str, status: int) -> None:
    async def answers() -> bool:
        return (await service.get(path))[0] == status

    await until(answers, f"{path} answers {status}", patience=60)


async def test_healthz_fails_while_passes_do_and_recovers(
    alice: Person, start: Start, proxy: Proxy
) -> None:
    patient = {"MAILROOM_POLL_INTERVAL": "3", "MAILROOM_FAILURE_LIMIT": "1000"}
    async with start(alice, http=proxy.url, **patient) as service:
        assert (await service.get("/healthz"))[0] == 200
        proxy.break_off()
        await until_status(service, "/healthz", 503)
        await service.until_logged("pass failed")
        health = await service.health()
        assert health["status"] == "failing"
        assert health["failures_in_a_row"] > 0
        assert health["last_pass"]["age_seconds"] >= 6
        assert health["push"]["status"] != "connected"
        assert (await service.get("/livez"))[0] == 200
        assert (await service.get("/readyz"))[0] == 200
        proxy.mend()
        await until_status(service, "/healthz", 200)
        assert (await service.health())["failures_in_a_row"] == 0


async def test_before_the_server_is_there(alice: Person, start: Start, proxy: Proxy) -> None:
    proxy.break_off()
    async with start(alice, http=proxy.url, wait=False, MAILROOM_POLL_INTERVAL="5") as service:
        await service.until_logged("started")
        status, body = await service.get("/healthz")
        assert (status, json.loads(body)["status"]) == (200, "starting")
        assert json.loads(body)["last_pass"] is None
        assert (await service.get("/livez"))[0] == 200
        assert (await service.get("/readyz"))[0] == 503
        await until_status(service, "/healthz", 503)
        assert (await service.get("/livez"))[0] == 200
        proxy.mend()
        await until_status(service, "/readyz", 200)
        await until_status(service, "/healthz", 200)


async def test_the_content_of_healthz(alice: Person, start: Start) -> None:
    one, _ = await alice.receive(
        message("Bob <bob@corp.example>", "one"), message("bob@corp.example", "two")
    )
    async with start(alice) as service:
        await until_started(service)
        await alice.tap(one, "@ToFeed")
        await service.until_logged("pass done")
        status, body = await service.get("/healthz")
    health = json.loads(body)
    last, push = health["last_pass"], health["push"]
    assert status == 200
    assert health["status"] == "ok"
    assert health["version"]
    assert health["uptime"] > 0
    assert health["passes"] == 3
    assert health["failures_in_a_row"] == 0
    assert (last["trigger"], last["senders"], last["mails"]) == ("push", 1, 2)
    assert last["age_seconds"] >= 0
    assert last["duration_seconds"] > 0
    assert (push["transport"], push["status"]) == ("eventsource", "connected")
    assert push["connected_since"] < push["last_event_at"]
    assert (push["reconnects"], push["last_error"]) == (0, None)
    assert "corp.example" not in body


async def test_push_that_is_switched_off(alice: Person, start: Start) -> None:
    (mail,) = await alice.receive(message("Bob <bob@corp.example>", "mail"))
    off = {"MAILROOM_PUSH_TRANSPORT": "off", "MAILROOM_POLL_INTERVAL": "2"}
    async with start(alice, wait=False, **off) as service:
        await until_status(service, "/readyz", 200)
        await alice.tap(mail, "@ToFeed")
        await alice.until_triaged()
        await service.until_logged("pass done")
        health = await service.health()
    assert (health["push"]["transport"], health["push"]["status"]) == ("off", "off")
    assert health["last_pass"]["trigger"] == "poll"


async def test_other_paths_are_not_found(alice: Person, start: Start) -> None:
    async with start(alice) as service:
        assert (await service.get("/"))[0] == 404
        assert (await service.get("/healthz/"))[0] == 404
