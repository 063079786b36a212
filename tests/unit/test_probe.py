"""``mailroom health``: what it makes of the service that runs beside it, or does not."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mailroom import __version__
from mailroom.admin.probe import ProbeResult
from mailroom.admin.probe import probe as probe_now
from mailroom.health import Health, Overview, serve
from mailroom.settings.load import load_settings
from mailroom.settings.mistakes import SettingsError
from tests.support.service.forked import command

POLL = 60.0


async def probe(environ: Mapping[str, str], *, cwd: Path, seconds: float = 5) -> ProbeResult:
    return await asyncio.to_thread(probe_now, environ, cwd=cwd, timeout=seconds)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def port(clock: Clock) -> AsyncIterator[int]:
    """Where a service answers that has just started."""
    health = Health(poll_interval=POLL, clock=clock)
    async with serve(Overview({"": health}), host="127.0.0.1", port=0) as port:
        yield port


def at(port: int, **more: str) -> dict[str, str]:
    return {"MAILROOM_HEALTH_PORT": str(port), **more}


ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - nothing is bound to it here


@pytest.mark.parametrize("host", ["", "::", ALL_ADDRESSES, "127.0.0.1", "localhost"])
async def test_a_service_that_is_well_is_found_without_credentials(
    port: int, tmp_path: Path, host: str
) -> None:
    answer = await probe(at(port, MAILROOM_HEALTH_HOST=host), cwd=tmp_path)
    assert answer.is_well
    assert answer.text == f"Mailroom {__version__}: starting"


async def test_a_service_that_listens_on_all_addresses_of_ipv6_is_asked_on_loopback(
    tmp_path: Path,
) -> None:
    health = Health(poll_interval=POLL)
    async with serve(Overview({"": health}), host="::1", port=0) as port:
        answer = await probe(at(port, MAILROOM_HEALTH_HOST="::"), cwd=tmp_path)
    assert answer.is_well


async def test_a_service_that_fails_is_not_well(port: int, clock: Clock, tmp_path: Path) -> None:
    clock.now += 2 * POLL
    answer = await probe(at(port), cwd=tmp_path)
    assert not answer.is_well
    assert answer.text == f"Mailroom {__version__}: failing (HTTP 503)"


async def test_the_command_prints_a_line_and_tells_by_its_exit_code(
    port: int, clock: Clock, tmp_path: Path
) -> None:
    well = await command(at(port), "health", cwd=tmp_path)
    assert (well.code, well.out, well.err) == (0, f"Mailroom {__version__}: starting\n", "")
    clock.now += 2 * POLL
    failing = await command(at(port), "health", cwd=tmp_path)
    assert (failing.code, failing.out.count("\n"), failing.err) == (1, 1, "")


OTHER_MISTAKES: Mapping[str, Mapping[str, str]] = {
    "a bad value": {"MAILROOM_POLL_INTERVAL": "often"},
    "an unknown variable": {"MAILROOM_HEALTH_FROB": "1"},
    "a contradiction": {"MAILROOM_JMAP_TOKEN": "x", "MAILROOM_JMAP_USERNAME": "y"},
    "categories that are no JSON": {"MAILROOM_CATEGORIES": "{"},
    "no such secrets": {"MAILROOM_SECRETS_DIR": "nowhere"},
    "no such file": {"MAILROOM_CONFIG": "nowhere.yaml"},
}


@pytest.mark.parametrize("wrong", OTHER_MISTAKES.values(), ids=OTHER_MISTAKES)
async def test_no_other_setting_makes_a_service_unwell(
    port: int, tmp_path: Path, wrong: Mapping[str, str]
) -> None:
    answer = await probe(at(port, **wrong), cwd=tmp_path)
    assert answer.is_well


async def test_a_secret_that_is_wrong_does_not_either(port: int, tmp_path: Path) -> None:
    (tmp_path / "mailroom_categories").write_text("{")
    (tmp_path / "mailroom_jmap_token").write_text("")
    answer = await probe(at(port, MAILROOM_SECRETS_DIR=str(tmp_path)), cwd=tmp_path)
    assert answer.is_well


async def test_the_port_may_stand_in_the_file_beside_what_is_wrong(
    port: int, tmp_path: Path
) -> None:
    text = json.dumps({"health": {"port": port}, "poll": {"interval": "often"}, "frob": 1})
    (tmp_path / "mailroom.yaml").write_text(text)
    assert (await probe({}, cwd=tmp_path)).is_well


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("eighty", "MAILROOM_HEALTH_HOST or MAILROOM_HEALTH_PORT is wrong"),
        ("0", "MAILROOM_HEALTH_PORT is 0: the port that was chosen is not known"),
    ],
)
async def test_a_port_that_cannot_be_known_is_not_well(
    tmp_path: Path, value: str, text: str
) -> None:
    answer = await probe({"MAILROOM_HEALTH_PORT": value}, cwd=tmp_path)
    assert (answer.is_well, answer.text) == (False, text)


@pytest.mark.parametrize(
    "written",
    ["8081", " 8081 ", 8081, 8081.0, "8081.0", 8081.5, "eighty", 70000, -1, [8081]],
    ids=str,
)
def test_the_port_is_read_as_the_service_reads_it(tmp_path: Path, written: object) -> None:
    (tmp_path / "mailroom.yaml").write_text(json.dumps({"health": {"port": written}}))
    try:
        port = load_settings({"MAILROOM_JMAP_TOKEN": "token"}, cwd=tmp_path).health.port
    except SettingsError:
        port = None
    answer = probe_now({"MAILROOM_HEALTH_HOST": "127.0.0.1"}, cwd=tmp_path, timeout=0.01)
    assert (f":{port}/" in answer.text) == (port is not None)
    assert ("is wrong" in answer.text) == (port is None)


async def test_nobody_there_is_not_well(tmp_path: Path) -> None:
    with socket.socket() as bound:  # and not listening
        bound.bind(("127.0.0.1", 0))
        answer = await probe(at(bound.getsockname()[1]), cwd=tmp_path)
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/healthz"
    assert (answer.is_well, answer.text) == (False, f"no answer from {url}: connection refused")


@pytest.mark.parametrize("host", ["no such host", "a\x00b", "http://example.com"])
async def test_a_host_that_is_none_is_not_well(tmp_path: Path, host: str) -> None:
    answer = await probe({"MAILROOM_HEALTH_HOST": host}, cwd=tmp_path)
    assert not answer.is_well


async def test_a_service_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = await probe(at(silent.getsockname()[1]), cwd=tmp_path, seconds=0.05)
    assert not answer.is_well
    assert answer.text.endswith("/healthz within 0.05 s")


@pytest.mark.parametrize("body", ["hello", "[]", '{"status": "ok"}'])
async def test_another_program_at_the_port_is_not_taken_for_the_service(
    tmp_path: Path, body: str
) -> None:
    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text=body)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    async with TestServer(app) as server:
        assert server.port is not None
        answer = await probe(at(server.port), cwd=tmp_path)
    assert (answer.is_well, answer.text) == (False, "HTTP 200, and not from Mailroom")
