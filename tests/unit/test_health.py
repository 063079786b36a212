"""The state of the service, on a clock of our own; and the server that tells it, on loopback."""

import errno
import json
import os
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import aiohttp
import pytest

from mailroom import __version__
from mailroom.exits import Exit
from mailroom.health import Health, Overview, serve
from mailroom.http.listening import PortUnavailableError
from mailroom.jmap.push import PushStatus
from mailroom.settings.health import HealthSettings


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Push:
    now: PushStatus

    def __call__(self) -> PushStatus:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def push() -> Push:
    return Push(PushStatus(transport="eventsource"))


@pytest.fixture
def health(clock: Clock, push: Push) -> Health:
    health = Health(poll_interval=300, clock=clock)
    health.service_started(push)
    return health


@pytest.fixture
def overview(health: Health, clock: Clock) -> Overview:
    return Overview({"": health}, clock=clock)


def do_good_pass(health: Health, clock: Clock, *, seconds: float = 0.0) -> None:
    health.pass_started("poll")
    clock.now += seconds
    health.pass_succeeded(decisions=0, mails=0)


def test_just_after_start_it_is_well_and_alive_but_not_ready(health: Health) -> None:
    assert health.is_well()
    assert health.is_alive()
    assert not health.is_ready()
    assert health.report()["status"] == "starting"


def test_without_any_good_pass_it_is_unwell_after_two_poll_intervals(
    health: Health, clock: Clock
) -> None:
    clock.now += 599.9
    assert health.is_well()

    clock.now += 0.1
    assert not health.is_well()
    assert health.report()["status"] == "failing"


def test_it_is_well_for_two_poll_intervals_after_a_good_pass(health: Health, clock: Clock) -> None:
    clock.now += 10_000
    do_good_pass(health, clock, seconds=5)

    clock.now += 599.9
    assert health.is_well()
    assert health.report()["status"] == "ok"

    clock.now += 0.1
    assert not health.is_well()

    do_good_pass(health, clock)
    assert health.is_well()


def test_failed_passes_do_not_make_it_well(health: Health, clock: Clock) -> None:
    do_good_pass(health, clock)
    for _ in range(3):
        clock.now += 200
        health.pass_started("retry")
        health.pass_failed("no answer")

    assert not health.is_well()
    assert health.failures_in_a_row == 3


def test_failures_are_counted_from_the_last_good_pass(health: Health, clock: Clock) -> None:
    for _ in range(2):
        health.pass_started("push")
        health.pass_failed("no answer")
    assert health.failures_in_a_row == 2

    do_good_pass(health, clock)

    assert health.failures_in_a_row == 0
    assert health.report()["passes"] == 3


def test_a_pass_of_more_than_a_quarter_of_an_hour_is_stuck(health: Health, clock: Clock) -> None:
    health.pass_started("poll")
    clock.now += 900
    assert health.is_alive()

    clock.now += 1
    assert not health.is_alive()

    health.pass_failed("no answer")
    assert health.is_alive()


def test_it_is_alive_however_long_the_mail_server_is_away(health: Health, clock: Clock) -> None:
    for _ in range(100):
        clock.now += 300
        health.pass_started("retry")
        health.pass_failed("no answer")

    assert not health.is_well()
    assert health.is_alive()


def test_it_is_ready_once_the_session_is_up_and_the_first_pass_done(
    health: Health, clock: Clock
) -> None:
    health.session_up()
    assert not health.is_ready()

    health.pass_started("startup")
    health.pass_failed("no answer")
    assert not health.is_ready()

    do_good_pass(health, clock)
    assert health.is_ready()


def test_it_is_not_ready_without_a_session(health: Health, clock: Clock) -> None:
    do_good_pass(health, clock)

    assert not health.is_ready()


def test_a_pass_cannot_end_that_never_started(health: Health) -> None:
    with pytest.raises(RuntimeError, match="never started"):
        health.pass_failed("no answer")


def test_the_report_before_the_first_pass(overview: Overview, clock: Clock) -> None:
    clock.now += 1.5

    assert overview.report() == {
        "status": "starting",
        "version": __version__,
        "uptime": 1.5,
        "last_pass": None,
        "passes": 0,
        "failures_in_a_row": 0,
        "last_failure": None,
        "incomplete": [],
        "stuck": {},
        "push": {
            "transport": "eventsource",
            "status": "off",
            "connected_since": None,
            "last_event_at": None,
            "reconnects": 0,
            "last_error": None,
        },
    }


def test_the_report_tells_of_the_last_good_pass(health: Health, clock: Clock) -> None:
    health.pass_started("push")
    clock.now += 0.25
    health.pass_succeeded(decisions=2, mails=17)
    clock.now += 30
    health.pass_started("poll")
    health.pass_failed("no answer")

    report = health.report()

    assert report["last_pass"] == {
        "age_seconds": 30.0,
        "trigger": "push",
        "duration_seconds": 0.25,
        "senders": 2,
        "mails": 17,
    }
    assert (report["passes"], report["failures_in_a_row"]) == (2, 1)


def test_push_is_asked_anew_and_its_times_are_in_utc(health: Health, push: Push) -> None:
    health.report()
    push.now = PushStatus(
        transport="eventsource",
        connected_since=datetime(2026, 2, 25, 12, 0, 0, 250_000, tzinfo=UTC),
        last_event_at=datetime(2026, 2, 25, 14, 30, tzinfo=timezone(timedelta(hours=2))),
        reconnects=3,
        last_error="timed out",
    )

    assert health.report()["push"] == {
        "transport": "eventsource",
        "status": "off",
        "connected_since": "2026-02-25T12:00:00.250Z",
        "last_event_at": "2026-02-25T12:30:00.000Z",
        "reconnects": 3,
        "last_error": "timed out",
    }


@pytest.fixture
async def client(overview: Overview) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serve(overview, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def statuses(client: aiohttp.ClientSession) -> dict[str, int]:
    found = {}
    for path in ("/healthz", "/livez", "/readyz"):
        async with client.get(path) as answer:
            found[path] = answer.status
    return found


async def test_statuses_follow_the_state(
    client: aiohttp.ClientSession, health: Health, clock: Clock
) -> None:
    assert await statuses(client) == {"/healthz": 200, "/livez": 200, "/readyz": 503}

    health.session_up()
    do_good_pass(health, clock)
    assert await statuses(client) == {"/healthz": 200, "/livez": 200, "/readyz": 200}

    clock.now += 600
    assert await statuses(client) == {"/healthz": 503, "/livez": 200, "/readyz": 200}

    health.pass_started("poll")
    clock.now += 901
    assert await statuses(client) == {"/healthz": 503, "/livez": 503, "/readyz": 200}


async def test_healthz_answers_the_report_as_json_even_if_it_is_unwell(
    client: aiohttp.ClientSession, overview: Overview, clock: Clock
) -> None:
    clock.now += 600

    async with client.get("/healthz") as answer:
        body = json.loads(await answer.text())

    assert answer.status == 503
    assert answer.content_type == "application/json"
    assert body == overview.report()


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/nowhere"])
async def test_no_answer_is_to_be_stored(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as answer:
        assert answer.headers["Cache-Control"] == "no-store"


async def test_head_answers_like_get_without_a_body(client: aiohttp.ClientSession) -> None:
    async with client.head("/healthz") as answer:
        assert answer.status == 200
        assert await answer.read() == b""


async def test_other_paths_and_methods_are_not_there(client: aiohttp.ClientSession) -> None:
    async with client.get("/") as answer:
        assert answer.status == 404
    async with client.post("/healthz") as answer:
        assert answer.status == 405


async def test_a_port_in_use_is_reported_with_what_to_change(overview: Overview) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortUnavailableError) as caught:
            async with serve(overview, host="127.0.0.1", port=port):
                pass

    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1 port {port}: address already in use"
        " (MAILROOM_HEALTH_HOST, MAILROOM_HEALTH_PORT)"
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]"])
async def test_all_addresses_are_those_of_both_families(overview: Overview, address: str) -> None:
    async with (
        serve(overview, host=HealthSettings().host, port=0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://{address}:{port}/livez") as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL])
async def test_a_host_without_ipv6_listens_on_ipv4(
    overview: Overview, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "create_server", refuse)
    async with (
        serve(overview, host="::", port=0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/livez") as answer,
    ):
        assert answer.status == 200


async def test_a_port_in_use_on_all_addresses_is_reported(overview: Overview) -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailableError, match="address already in use"):
            async with serve(overview, host="::", port=port):
                pass


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
async def test_a_host_that_is_none_of_ours_is_reported(overview: Overview, host: str) -> None:
    with pytest.raises(PortUnavailableError, match=re.escape(f"cannot listen on {host} port 0: ")):
        async with serve(overview, host=host, port=0):
            pass


async def test_the_port_is_free_again_afterwards(overview: Overview) -> None:
    async with serve(overview, host="127.0.0.1", port=0) as port:
        pass

    async with serve(overview, host="127.0.0.1", port=port) as again:
        assert again == port


def several(clock: Clock, *names: str) -> tuple[Overview, dict[str, Health]]:
    accounts = {name: Health(poll_interval=300, clock=clock) for name in names}
    return Overview(accounts, clock=clock), accounts


def test_several_accounts_are_well_and_ready_as_long_as_one_is(clock: Clock) -> None:
    overview, accounts = several(clock, "anna", "ben")
    assert (overview.is_well(), overview.is_ready()) == (True, False)

    for each in accounts.values():
        each.session_up()
        do_good_pass(each, clock)
    assert (overview.report()["status"], overview.is_ready()) == ("ok", True)

    clock.now += 599
    do_good_pass(accounts["anna"], clock)
    clock.now += 1
    assert (overview.report()["status"], overview.is_well()) == ("degraded", True)

    clock.now += 599
    assert (overview.report()["status"], overview.is_well()) == ("failing", False)


def test_several_accounts_are_reported_by_name(clock: Clock) -> None:
    overview, accounts = several(clock, "anna", "ben")
    clock.now += 1.5
    assert overview.report() == {
        "status": "starting",
        "version": __version__,
        "uptime": 1.5,
        "accounts": {name: each.report() for name, each in accounts.items()},
    }


def test_a_stuck_pass_of_any_account_is_reported(clock: Clock) -> None:
    overview, accounts = several(clock, "anna", "ben")
    accounts["ben"].pass_started("poll")
    clock.now += 901
    assert not overview.is_alive()


def test_an_account_that_was_given_up_is_neither_well_nor_ready(
    health: Health, clock: Clock, push: Push
) -> None:
    health.session_up()
    do_good_pass(health, clock)
    health.service_gave_up(Exit.CREDENTIALS, next_in=90)
    clock.now += 30

    assert not health.is_well()
    assert not health.is_ready()
    report = health.report()
    assert report["status"] == "gave up"
    assert report["gave_up"] == {"exit_code": 3, "why": "credentials", "next_in_seconds": 60.0}
    assert isinstance(report["push"], dict)
    assert report["push"]["transport"] == "off"


def test_an_account_that_is_taken_up_again_is_well_after_a_good_pass(
    health: Health, clock: Clock, push: Push
) -> None:
    do_good_pass(health, clock)
    health.service_gave_up(Exit.FAILED, next_in=60)
    clock.now += 60
    health.service_started(push)
    assert (health.is_well(), health.report()["status"]) == (False, "failing")
    assert "gave_up" not in health.report()

    health.pass_started("startup")
    health.pass_failed("no answer")
    assert not health.is_well()

    do_good_pass(health, clock)
    assert (health.is_well(), health.report()["status"]) == (True, "ok")


# Why it is as it is


NOON = datetime(2026, 2, 25, 12, 0, tzinfo=UTC)
REFUSED = "https://mail.example/jmap: credentials refused (401)"


@pytest.fixture
def at_noon(clock: Clock, push: Push) -> Health:
    """An account whose clock for people says noon."""
    health = Health(poll_interval=300, clock=clock, now=lambda: NOON)
    health.service_started(push)
    return health


def refuse(health: Health, *, next_in: float) -> None:
    health.pass_started("startup")
    health.pass_failed(REFUSED)
    health.service_refused(next_in=next_in)


def test_the_reason_of_the_last_failed_pass_is_reported_until_one_succeeds(
    at_noon: Health, clock: Clock
) -> None:
    at_noon.pass_started("poll")
    at_noon.pass_failed("no answer (refused)")
    told = {"why": "no answer (refused)", "at": "2026-02-25T12:00:00.000Z"}
    assert at_noon.report()["last_failure"] == told
    assert at_noon.why_not_ready() == "no answer (refused)"

    do_good_pass(at_noon, clock)
    assert at_noon.report()["last_failure"] is None


def test_what_a_pass_left_and_what_is_refused_for_good_is_reported(health: Health) -> None:
    health.pass_started("push")
    health.pass_succeeded(
        decisions=1,
        mails=1,
        left=[("decision", 2, "contact: the server answered 503")],
        stuck={"bob@corp.example": "contact: 413 too large"},
    )
    report = health.report()
    assert report["incomplete"] == [
        {"what": "decision", "count": 2, "why": "contact: the server answered 503"}
    ]
    assert report["stuck"] == {"bob@corp.example": "contact: 413 too large"}


def test_what_a_pass_finished_is_reported_no_more(health: Health, clock: Clock) -> None:
    health.pass_started("push")
    health.pass_succeeded(decisions=0, mails=0, left=[("label", 1, "why")], stuck={"who": "why"})
    do_good_pass(health, clock)
    assert (health.report()["incomplete"], health.report()["stuck"]) == ([], {})


def test_refused_credentials_are_reported_with_the_next_try(
    at_noon: Health, clock: Clock, push: Push
) -> None:
    at_noon.session_up()
    do_good_pass(at_noon, clock)
    refuse(at_noon, next_in=60)
    clock.now += 15

    assert (at_noon.is_well(), at_noon.is_ready(), at_noon.is_alive()) == (False, False, True)
    report = at_noon.report()
    assert report["status"] == "refused"
    assert report["refused"] == {
        "why": REFUSED,
        "since": "2026-02-25T12:00:00.000Z",
        "tries": 1,
        "next_in_seconds": 45.0,
    }
    assert at_noon.why_not_ready() == (
        f"{REFUSED} (since 2026-02-25T12:00:00.000Z, tried again in 45 s)"
    )

    at_noon.service_started(push)
    refuse(at_noon, next_in=300)
    refusal = at_noon.report()["refused"]
    assert isinstance(refusal, dict)
    assert refusal["tries"] == 2


def test_it_is_neither_well_nor_ready_while_refused_credentials_are_tried_again(
    health: Health, clock: Clock, push: Push
) -> None:
    health.session_up()
    do_good_pass(health, clock)
    refuse(health, next_in=60)
    health.service_started(push)
    health.session_up()
    assert (health.is_well(), health.is_ready()) == (False, False)

    do_good_pass(health, clock)
    assert (health.is_well(), health.is_ready()) == (True, True)
    assert "refused" not in health.report()
    assert health.report()["status"] == "ok"


async def test_readyz_says_why_it_is_not_ready(
    client: aiohttp.ClientSession, health: Health
) -> None:
    refuse(health, next_in=60)
    async with client.get("/readyz") as answer:
        assert answer.status == 503
        assert REFUSED in (await answer.json())["why"]
    assert await statuses(client) == {"/healthz": 503, "/livez": 200, "/readyz": 503}
