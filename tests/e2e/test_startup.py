"""The start: mistakes that end it, with exit codes and texts, and outages that it outlasts."""

import asyncio
import json
import socket
from datetime import datetime
from pathlib import Path

import pytest
from multidict import CIMultiDict

from tests.e2e.conftest import Start
from tests.support.owner.person import Person, message
from tests.support.proxy.passes import SEE
from tests.support.proxy.proxy import CUT, Answer, Exchange, Forward, Proxy, proxying
from tests.support.service.process import Finished, Running, command, environment, running


def given_up(done: Finished) -> str:
    """Return the error in the log's line "giving up"."""
    lines = map(json.loads, done.err.splitlines())
    (line,) = [line for line in lines if line["event"] == "giving up"]
    return str(line["error"])


# Settings

SECRET = "correct-horse-battery"
MISTAKES = {
    "MAILROOM_JMAP_SESSION_URL": f"ftp://someone:{SECRET}@mail.example/",
    "MAILROOM_JMAP_TOKEN": f"{SECRET}\nmore",
    "MAILROOM_JMAP_PASWORD": SECRET,
    "MAILROOM_CARDDAV_URL": f"http://{SECRET}.example/dav",
    "MAILROOM_POLL_INTERVAL": "soon",
    "MAILROOM_PUSH_TRANSPORT": "pigeon",
    "MAILROOM_PUSH_PING": "0",
    "MAILROOM_HEALTH_PORT": "99999",
    "MAILROOM_LOG_LEVEL": "loud",
    "MAILROOM_CATEGORIES": '[{"name": "Feed", "parent": "Nobody"}, {"name": "Feed"}]',
}


@pytest.mark.parametrize("name", ["run", "check", "setup", "triage"])
async def test_bad_settings_are_listed_all_at_once(name: str) -> None:
    done = await command({"PYTHONWARNINGS": "error", **MISTAKES}, name)
    assert done.code == 2
    for variable in MISTAKES:
        assert variable in done.err
    assert "did you mean MAILROOM_JMAP_PASSWORD?" in done.err
    assert "Nobody" in done.err
    assert "Traceback" not in done.err
    assert SECRET not in done.out + done.err


async def test_no_settings_at_all() -> None:
    done = await command({"PYTHONWARNINGS": "error"})
    assert done.code == 2
    assert "MAILROOM_JMAP_TOKEN" in done.err
    assert "MAILROOM_JMAP_PASSWORD" in done.err


async def test_a_mistake_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "mailroom.yaml").write_text(f"jmap:\n  tokn: {SECRET}\npoll:\n  interval: soon\n")
    done = await command({"PYTHONWARNINGS": "error"}, cwd=tmp_path)
    assert done.code == 2
    assert "mailroom.yaml: jmap.tokn: unknown; did you mean jmap.token?" in done.err
    assert "mailroom.yaml: poll.interval: must be a number" in done.err
    assert SECRET not in done.err


async def test_a_health_port_that_is_taken(alice: Person) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = await command(environment(alice, MAILROOM_HEALTH_PORT=port))
    assert done.code == 2
    assert done.err.splitlines()[-1] == (
        f"cannot listen on 127.0.0.1 port {port}: address already in use"
        " (MAILROOM_HEALTH_HOST, MAILROOM_HEALTH_PORT)"
    )
    assert "Traceback" not in done.err


async def test_an_account_that_is_not_there(alice: Person) -> None:
    env = environment(alice, MAILROOM_JMAP_ACCOUNT="somebody-else", MAILROOM_HEALTH_PORT="0")
    done = await command(env)
    assert done.code == 2
    assert "no account 'somebody-else'" in given_up(done)


# The account


async def test_everything_that_is_missing_is_listed(alice: Person) -> None:
    mailboxes = await alice.mailboxes()
    renamed = {mailboxes[name]: {"name": f"was {name}"} for name in ("Screener", "@ToFeed")}
    await alice.jmap("Mailbox/set", {"update": renamed})
    for name, lines in (await alice.contacts.cards()).items():
        if "FN:Jail" in lines or "FN:Mailroom" in lines:
            await alice.contacts.dav("DELETE", alice.contacts.book_url + name)
    done = await command(environment(alice, MAILROOM_HEALTH_PORT="0"))
    assert done.code == 4
    text = given_up(done)
    assert "mailboxes missing: Screener, @ToFeed; contact groups missing: " in text
    assert "Jail" in text
    assert "Mailroom" in text
    assert text.endswith("(`mailroom setup --apply` creates them)")
    assert "Traceback" not in done.err
    assert (await command(environment(alice), "setup", "--apply")).code == 0
    assert (await command(environment(alice), "check")).code == 0


async def test_an_account_that_was_never_set_up(person: Person) -> None:
    done = await command(environment(person, MAILROOM_HEALTH_PORT="0"))
    assert done.code == 4
    for name in ("Screener", "@ToPaperTrail", "@MailroomError", "Billboard", "contact groups"):
        assert name in given_up(done)


# The server


async def test_a_server_that_is_not_there_is_waited_for(own_alice: Person, start: Start) -> None:
    await own_alice.cyrus.stop()
    async with start(own_alice, wait=False, MAILROOM_FAILURE_LIMIT="1") as service:
        await service.until_logged("pass failed", 3)
        assert (await service.get("/livez"))[0] == 200
        assert (await service.get("/readyz"))[0] == 503
        await own_alice.cyrus.start(own_alice.cyrus.instance)
        await service.until_ready()
        (mail,) = await own_alice.receive(message("Bob <bob@corp.example>", "mail"))
        await own_alice.tap(mail, "@ToFeed")
        await own_alice.until_triaged()


PAGE = Answer(200, CIMultiDict({"Content-Type": "text/html"}), b"<html>Back in a minute!</html>")
TROUBLE = [Answer(503), CUT, Answer(500), Answer(429)]


@pytest.mark.parametrize(
    ("kind", "answers"),
    [
        ("GET", [*TROUBLE, PAGE]),
        (SEE, [*TROUBLE, PAGE]),
        ("PROPFIND", TROUBLE),
        ("REPORT", [PAGE, *TROUBLE]),
    ],
    ids=["session", "mail", "search for the address book", "address book"],
)
async def test_a_server_in_trouble_is_waited_for(
    alice: Person, start: Start, proxy: Proxy, kind: str, answers: list[Answer]
) -> None:
    left = answers.copy()

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        return left.pop(0) if left and exchange.kind == kind else await forward()

    proxy.intercept = intercept
    async with start(alice, http=proxy.url, MAILROOM_FAILURE_LIMIT="1") as service:
        assert left == []
        assert service.process.returncode is None


async def refuse(exchange: Exchange, forward: Forward) -> Answer:
    return Answer(401)


async def until_refused_twice(service: Running) -> None:
    """Wait for two refusals, a minute apart, and check that the service stays up."""
    event = "credentials refused; the account is closed until the next try"
    await service.until_logged(event, 2, patience=180)
    refusals = service.events(event)
    first, second = (datetime.fromisoformat(refusal["timestamp"]) for refusal in refusals[:2])
    assert (second - first).total_seconds() >= 60
    assert all("credentials refused (401)" in refusal["error"] for refusal in refusals)
    assert (await service.get("/livez"))[0] == 200
    for path in ("/readyz", "/healthz"):
        status, body = await service.get(path)
        assert status == 503
        assert "credentials refused (401)" in body


@pytest.mark.slow
async def test_refused_credentials_are_tried_again_after_a_minute(
    alice: Person, tmp_path: Path
) -> None:
    """Wrong for JMAP, wrong for CardDAV, and revoked while the service runs, at the same time."""
    wrong = {"MAILROOM_JMAP_PASSWORD": SECRET}
    wrong_contacts = {"MAILROOM_CARDDAV_PASSWORD": SECRET}
    async with (
        proxying(alice.cyrus.url) as proxy,
        running(environment(alice, **wrong), tmp_path / "one", wait=False) as one,
        running(environment(alice, **wrong_contacts), tmp_path / "two", wait=False) as two,
        running(environment(alice, http=proxy.url), tmp_path / "three") as three,
    ):
        proxy.intercept = refuse
        await alice.receive(message("a@b.example", "news"), into={"Inbox"})
        await asyncio.gather(*(until_refused_twice(service) for service in (one, two, three)))
    for log in ("one", "two"):
        assert SECRET not in (tmp_path / log).read_text()
