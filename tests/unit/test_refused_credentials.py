"""Credentials that are refused: how often they are tried, what is said meanwhile, what heals them.

The service and a mail server in memory run in this process, on a clock that jumps.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from structlog.testing import capture_logs

from mailroom.exits import Exit
from mailroom.metrics import Metrics
from mailroom.runtime.supervisor import Supervisor
from mailroom.sandbox import Quirks, Sandbox, User
from mailroom.sandbox import app as sandbox_app
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.settings import load
from mailroom.settings.load import load_again, load_settings
from mailroom.settings.model import Settings
from tests.support.service.in_process import set_up
from tests.support.service.process import running
from tests.support.virtual_time import run

OLD, NEW = "old-t0ken", "new-t0ken"
USER = User("alice", "secret", token=OLD)
find_account = sandbox_app.find_account


@dataclass
class Door:
    """Lets in whoever has the right token, as long as it is not shut; counts those turned away."""

    is_shut: bool = False
    token: str = OLD
    refused: int = 0
    times: list[float] = field(default_factory=list)

    def __call__(
        self, accounts: Iterable[SandboxAccount], authorization: str
    ) -> SandboxAccount | None:
        if self.is_shut or authorization != f"Bearer {self.token}":
            self.refused += 1
            self.times.append(asyncio.get_running_loop().time())
            return None
        return find_account(accounts, f"Bearer {OLD}")


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    door = Door()
    monkeypatch.setattr(sandbox_app, "find_account", door)
    return door


@dataclass
class Life:
    """A kept account, and what is seen of it."""

    supervisor: Supervisor
    task: asyncio.Task[Exit]
    log: list[Any]
    metrics: Metrics

    def report(self) -> dict[str, Any]:
        return self.supervisor.health.report()

    def is_alarming(self) -> bool:
        line = 'mailroom_credentials_refused{account=""} 1.0'
        return line in self.metrics.exposition().decode().splitlines()

    async def until(self, status: str, *, within: float) -> None:
        async with asyncio.timeout(within):
            while self.report()["status"] != status:
                assert not self.task.done()
                await asyncio.sleep(1)


@contextlib.asynccontextmanager
async def living(
    tmp_path: Path, *, token: str = OLD, push: str = "auto", **quirks: Any
) -> AsyncIterator[Life]:
    """An account that is set up and kept, with its token in a secret file."""
    (tmp_path / "mailroom_jmap_token").write_text(token)
    sandbox = Sandbox(users=[USER], quirks=Quirks(**quirks))
    async with sandbox.serve():
        environ = {
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_PUSH_TRANSPORT": push,
            "MAILROOM_SECRETS_DIR": str(tmp_path),
        }
        if token == OLD:
            await set_up(environ, tmp_path)
        with capture_logs() as log:
            metrics = Metrics()
            supervisor = Supervisor(load_settings(environ, cwd=tmp_path), metrics)
            task = asyncio.create_task(supervisor.run())
            try:
                yield Life(supervisor, task, log, metrics)
            finally:
                task.cancel()
                await asyncio.wait({task})


@pytest.mark.parametrize("push", ["auto", "eventsource", "off"])
def test_a_wrong_token_is_tried_three_times_in_ten_minutes(
    door: Door, tmp_path: Path, push: str
) -> None:
    async def scenario() -> None:
        async with living(tmp_path, token="wr0ng", push=push) as life:
            await asyncio.sleep(600)
            assert door.refused == 3
            assert not life.task.done()
            refused = life.report()["refused"]
            assert "credentials refused (401)" in refused["why"]
            assert refused["tries"] == 3
            assert 0 < refused["next_in_seconds"] <= 1080
            assert life.is_alarming()

    run(scenario())


def test_a_wrong_token_is_tried_26_times_a_day(door: Door, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path, token="wr0ng") as life:
            await asyncio.sleep(86400)
            assert 20 <= door.refused <= 26
            assert not life.task.done()

    run(scenario())


@pytest.mark.parametrize("push", ["websocket", "eventsource", "off"])
def test_credentials_that_worked_before_recover_by_themselves(
    door: Door, tmp_path: Path, push: str
) -> None:
    """The server's directory is down for a while; streams end and want to be opened anew."""

    async def scenario() -> None:
        async with living(tmp_path, push=push, stream_life=40.0, websocket_life=40.0) as life:
            await life.until("ok", within=60)
            await asyncio.sleep(3600)
            assert door.refused == 0
            door.is_shut = True
            await life.until("refused", within=700)
            assert life.report()["push"]["status"] == "off"
            assert not life.supervisor.health.is_ready()
            assert life.supervisor.health.is_alive()
            await asyncio.sleep(door.times[0] + 600 - asyncio.get_running_loop().time())
            assert door.refused <= 3
            door.is_shut = False
            await life.until("ok", within=1100)
            assert life.supervisor.health.is_ready()
            assert not life.is_alarming()
            await asyncio.sleep(60)
            assert life.report()["push"]["status"] == ("off" if push == "off" else "connected")

    run(scenario())


def test_a_token_that_is_rotated_in_its_file_heals_by_itself(door: Door, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as life:
            await life.until("ok", within=60)
            door.token = NEW
            await life.until("refused", within=700)
            (tmp_path / "mailroom_jmap_token").write_text(NEW)
            await life.until("ok", within=120 + 360)
            assert door.refused <= 3
        assert NEW not in str(life.log)

    run(scenario())


async def heals_with(life: Life, door: Door, folder: Path, settings: str) -> None:
    """Wait until the old token is refused, then write the new token and other settings."""
    await life.until("ok", within=60)
    door.token = NEW
    await life.until("refused", within=700)
    (folder / "mailroom_jmap_token").write_text(NEW)
    (folder / "mailroom.yaml").write_text(settings)
    await life.until("ok", within=480)


def test_a_poll_interval_that_is_read_again_holds_for_health_too(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with living(tmp_path, push="off") as life:
            clock = asyncio.get_running_loop().time
            monkeypatch.setattr(life.supervisor.health, "_clock", clock)
            await heals_with(life, door, tmp_path, "poll: {interval: 3600}\n")
            # Twice the interval of before, 5 minutes, is over; the next poll is still to come.
            await asyncio.sleep(3000)
            assert life.report()["status"] == "ok"

    run(scenario())


def test_a_limit_of_failures_that_is_read_again_holds(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_accounts: Iterable[SandboxAccount], _authorization: str) -> None:
        raise web.HTTPServiceUnavailable

    async def scenario() -> None:
        async with living(tmp_path, push="off") as life:
            await heals_with(life, door, tmp_path, "failure: {limit: 1}\n")
            monkeypatch.setattr(sandbox_app, "find_account", failing)
            await asyncio.sleep(600)
            assert life.report()["failures_in_a_row"] == 1
            assert life.task.done()
            monkeypatch.setattr(sandbox_app, "find_account", door)

    run(scenario())


def test_a_file_that_is_broken_for_a_moment_is_read_again(door: Door, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with living(tmp_path) as life:
            await life.until("ok", within=60)
            door.token = NEW
            (tmp_path / "mailroom_jmap_token").write_text("")
            await life.until("refused", within=700)
            await asyncio.sleep(500)
            assert "is empty" in str(life.log)
            (tmp_path / "mailroom_jmap_token").write_text(NEW)
            await life.until("ok", within=1100)

    run(scenario())


def test_a_mistake_in_reading_settings_again_ends_nothing(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files of the program may have been replaced since the service started."""
    mistakes = [ModuleNotFoundError("pydantic")]

    def read(settings: Settings) -> Settings:
        if mistakes:
            raise mistakes.pop()
        return load_again(settings)

    async def scenario() -> None:
        async with living(tmp_path) as life:
            await life.until("ok", within=60)
            door.token = NEW
            (tmp_path / "mailroom_jmap_token").write_text(NEW)
            await life.until("refused", within=700)
            await life.until("ok", within=1100)
            assert "the settings were not read again" in str(life.log)

    monkeypatch.setattr(load, "load_again", read)
    run(scenario())
    assert not mistakes


def test_a_module_that_is_not_there_any_more_ends_nothing(door: Door, tmp_path: Path) -> None:
    """The module that reads settings is imported only when settings are read again."""

    async def scenario() -> None:
        async with living(tmp_path) as life:
            await life.until("ok", within=60)
            door.token = NEW
            (tmp_path / "mailroom_jmap_token").write_text(NEW)
            await life.until("refused", within=700)
            with pytest.MonkeyPatch.context() as replaced:
                replaced.setitem(sys.modules, "mailroom.settings.load", None)
                async with asyncio.timeout(1100):
                    while "the settings were not read again" not in str(life.log):
                        assert not life.task.done()
                        await asyncio.sleep(1)
            await life.until("ok", within=1100)

    run(scenario())


def test_one_of_several_accounts_has_its_own_settings_read_again(
    door: Door, tmp_path: Path
) -> None:
    content = {"accounts": {"anna": {}, "ben": {"jmap": {"token": "bens"}}}}
    (tmp_path / "mailroom.yaml").write_text(yaml.safe_dump(content))
    (tmp_path / "mailroom_accounts_anna_jmap_token").write_text(OLD)
    environ = {"MAILROOM_SECRETS_DIR": str(tmp_path)}
    anna, _ = load_settings(environ, cwd=tmp_path).accounts
    (tmp_path / "mailroom_accounts_anna_jmap_token").write_text(NEW)

    again = load_again(anna)

    assert again.jmap.token.get_secret_value() == NEW
    assert (again.name, again.has_several) == ("anna", False)
    assert load_again(again).jmap.token.get_secret_value() == NEW


@pytest.mark.parametrize("was_up", [False, True], ids=["at start", "later"])
def test_a_refusal_by_something_in_between_is_an_outage(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, was_up: bool
) -> None:
    """A bot filter answers 403 with a page; the credentials may be as good as ever."""

    def filtered(_accounts: Iterable[SandboxAccount], _authorization: str) -> None:
        page = "<html><h1>error code: 1010</h1></html>"
        raise web.HTTPForbidden(text=page, content_type="text/html")

    async def scenario() -> None:
        async with living(tmp_path, token=OLD if was_up else "any", push="off") as life:
            if was_up:
                await life.until("ok", within=60)
            monkeypatch.setattr(sandbox_app, "find_account", filtered)
            await asyncio.sleep(400)
            report = life.report()
            assert "refused" not in report
            assert report["failures_in_a_row"] >= 1
            assert "error code: 1010" in report["last_failure"]["why"]
            assert not life.is_alarming()
            monkeypatch.setattr(sandbox_app, "find_account", door)

    run(scenario())


async def test_the_process_stays_up_and_says_why(tmp_path: Path) -> None:
    sandbox = Sandbox(users=[USER])
    async with sandbox.serve():
        env = {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "wr0ng-token",
            "MAILROOM_HEALTH_HOST": "127.0.0.1",
            "MAILROOM_LOG_FORMAT": "json",
        }
        async with running(env, tmp_path / "log", wait=False) as service:
            await service.until_logged(
                "credentials refused; the account is closed until the next try"
            )
            assert (await service.get("/livez"))[0] == 200
            for path in ("/readyz", "/healthz"):
                status, body = await service.get(path)
                assert status == 503
                assert "credentials refused (401)" in body
            assert await service.end() == 0
    assert "wr0ng-token" not in (tmp_path / "log").read_text()
