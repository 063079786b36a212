"""Several accounts in one process: what ails one leaves the others alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from yarl import URL

from mailroom.exits import Exit
from mailroom.health import Overview
from mailroom.metrics import Metrics
from mailroom.runtime import failure_policy, process, supervisor
from mailroom.runtime.service import Service
from mailroom.runtime.supervisor import Supervisor
from mailroom.sandbox import Sandbox, User
from mailroom.settings.load import load_settings
from mailroom.settings.model import Settings
from tests.support.owner.jscontact_app import JsContactApp
from tests.support.owner.person import Owner, message, until
from tests.support.service.in_process import set_up
from tests.support.variants.worlds import SandboxServer

ANNA, BEN = "anna", "ben"
PASSWORD = "secret"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was given up is taken up again soon; how soon that really is, is another test's."""
    monkeypatch.setattr(supervisor, "_PAUSES", dict.fromkeys(Exit, 0.1))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    users = [User(name, PASSWORD) for name in (ANNA, BEN)]
    async with Sandbox(users=users).serve() as served:
        yield served


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Owner]:
    async with owner_of(sandbox, ANNA) as owner:
        yield owner


@pytest.fixture
async def ben(sandbox: Sandbox) -> AsyncIterator[Owner]:
    async with owner_of(sandbox, BEN) as owner:
        yield owner


@contextlib.asynccontextmanager
async def owner_of(sandbox: Sandbox, name: str) -> AsyncIterator[Owner]:
    async with aiohttp.ClientSession() as session:
        contacts = JsContactApp(session, URL(sandbox.session_url), name, PASSWORD)
        yield Owner(SandboxServer(sandbox), name, session, contacts)


def settings_for(sandbox: Sandbox, cwd: Path, **passwords: str) -> Settings:
    accounts = {
        name: {"jmap": {"username": name, "password": password}}
        for name, password in passwords.items()
    }
    jmap = {"session_url": sandbox.session_url}
    arrivals = {"enabled": False}
    content = {"accounts": accounts, "jmap": jmap, "arrivals": arrivals}
    (cwd / "mailroom.yaml").write_text(yaml.safe_dump(content))
    return load_settings({}, cwd=cwd)


async def set_up_account(sandbox: Sandbox, name: str, cwd: Path) -> None:
    jmap = {"SESSION_URL": sandbox.session_url, "USERNAME": name, "PASSWORD": PASSWORD}
    environ = {f"MAILROOM_JMAP_{key}": value for key, value in jmap.items()}
    (cwd / name).mkdir()
    await set_up(environ, cwd / name)


class Several:
    """Some accounts, being kept."""

    def __init__(self, settings: Settings, log: list[MutableMapping[str, Any]]) -> None:
        self.families = Metrics()
        self.log = log
        self._stop = asyncio.Event()
        supervisors = [Supervisor(each, self.families) for each in settings.served]
        self.overview = Overview({each.name: each.health for each in supervisors})
        running = process.run_until_stopped(supervisors, self._stop, several=True)
        self._task = asyncio.create_task(running)

    def account(self, name: str) -> dict[str, Any]:
        accounts: Any = self.overview.report()["accounts"]
        return dict(accounts[name])

    def failures(self, name: str, kind: str) -> float:
        (found,) = [
            sample.value
            for family in parse(self.families.exposition().decode())
            for sample in family.samples
            if sample.labels == {"account": name, "kind": kind}
        ]
        return found

    async def until(self, name: str, status: str) -> None:
        async def is_so() -> bool:
            return str(self.account(name)["status"]) == status

        await until(is_so, f"{name} is {status}: {self.account(name)}")

    async def end(self) -> Exit:
        self._stop.set()
        return await self._task


@contextlib.asynccontextmanager
async def keeping(settings: Settings) -> AsyncIterator[Several]:
    with capture_logs(processors=[merge_contextvars]) as log:
        several = Several(settings, log)
        try:
            yield several
        finally:
            assert await several.end() is Exit.OK


async def test_each_account_is_triaged_and_reported_by_its_name(
    sandbox: Sandbox, anna: Owner, ben: Owner, tmp_path: Path
) -> None:
    for each in (anna, ben):
        await set_up_account(sandbox, each.name, tmp_path)
        (mail,) = await each.receive(message(f"Bob <bob@{each.name}.example>", "one"))
        await each.tap(mail, "@ToFeed")
    async with keeping(settings_for(sandbox, tmp_path, anna=PASSWORD, ben=PASSWORD)) as several:
        for each in (anna, ben):
            await each.until_triaged("one")
            await several.until(each.name, "ok")
        assert several.overview.report()["status"] == "ok"
        assert several.overview.is_ready()
    decided = [line for line in several.log if line["event"] == "decision carried out"]
    assert {line["account"] for line in decided} == {ANNA, BEN}
    for line in decided:
        assert f"bob@{line['account']}.example" in str(line)
    assert await anna.contacts_of("bob@ben.example") == []


async def test_one_that_lacks_something_is_given_up_and_taken_up_again(
    sandbox: Sandbox, anna: Owner, ben: Owner, tmp_path: Path
) -> None:
    await set_up_account(sandbox, ANNA, tmp_path)
    (mail,) = await anna.receive(message("bob@corp.example", "one"))
    async with keeping(settings_for(sandbox, tmp_path, anna=PASSWORD, ben=PASSWORD)) as several:
        await several.until(BEN, "gave up")
        told = several.account(BEN)["gave_up"]
        assert (told["exit_code"], told["why"]) == (4, "incomplete")
        assert several.account(BEN)["push"]["status"] == "off"
        await several.until(ANNA, "ok")
        assert (several.overview.is_well(), several.overview.is_ready()) == (True, True)
        assert several.overview.report()["status"] == "degraded"
        await anna.tap(mail, "@ToFeed")
        await anna.until_triaged("one")

        await set_up_account(sandbox, BEN, tmp_path)
        await several.until(BEN, "ok")
        assert several.overview.report()["status"] == "ok"
        (mail,) = await ben.receive(message("bob@corp.example", "two"))
        await ben.tap(mail, "@ToFeed")
        await ben.until_triaged("two")
    assert several.failures(BEN, "missing") >= 1
    assert several.failures(ANNA, "missing") == 0


async def test_bad_credentials_of_one(
    sandbox: Sandbox, anna: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_policy, "REFUSED_PAUSES", (0.2,))
    monkeypatch.setattr(failure_policy, "_REFUSED_SPAN", 0.0)
    await set_up_account(sandbox, ANNA, tmp_path)
    await set_up_account(sandbox, BEN, tmp_path)
    async with keeping(settings_for(sandbox, tmp_path, anna=PASSWORD, ben="wrong")) as several:
        await several.until(BEN, "refused")
        assert "credentials refused (401)" in several.account(BEN)["refused"]["why"]
        (mail,) = await anna.receive(message("bob@corp.example", "one"))
        await anna.tap(mail, "@ToFeed")
        await anna.until_triaged("one")
        await several.until(ANNA, "ok")
        settings_for(sandbox, tmp_path, anna=PASSWORD, ben=PASSWORD)
        await several.until(BEN, "ok")
    said = "credentials refused; the account is closed until the next try"
    assert {line["account"] for line in several.log if line["event"] == said} == {BEN}
    assert not [line for line in several.log if line["event"] == "given up"]


async def test_a_mistake_of_ours_in_one(
    sandbox: Sandbox, anna: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Service.run

    async def broken(self: Service) -> Exit:
        if self._account.settings.name == BEN:
            raise ZeroDivisionError
        return await whole(self)

    monkeypatch.setattr(Service, "run", broken)
    await set_up_account(sandbox, ANNA, tmp_path)
    async with keeping(settings_for(sandbox, tmp_path, anna=PASSWORD, ben=PASSWORD)) as several:
        await several.until(BEN, "gave up")
        await several.until(ANNA, "ok")
    said = "a mistake in Mailroom itself ended the account's service"
    (line, *_) = [line for line in several.log if line["event"] == said]
    assert (line["account"], bool(line["exc_info"])) == (BEN, True)


async def test_a_shard_without_accounts_is_well_and_ready(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path, anna=PASSWORD)
    shards = [load_settings({"MAILROOM_SHARD": f"{i}/2"}, cwd=tmp_path) for i in range(2)]
    (empty,) = [each for each in shards if not each.served]
    assert len(settings.served) == 1
    async with keeping(empty) as several:
        assert several.overview.is_well()
        assert several.overview.is_ready()
        assert several.overview.is_alive()
        assert several.overview.report()["accounts"] == {}


@pytest.mark.parametrize(
    ("code", "least", "most"),
    [
        (Exit.FAILED, 30, 60),
        (Exit.INCOMPLETE, 120, 240),
        (Exit.CONFIGURATION, 1800, 3600),
    ],
)
def test_how_soon_one_is_taken_up_again(
    monkeypatch: pytest.MonkeyPatch, code: Exit, least: float, most: float
) -> None:
    monkeypatch.undo()
    found = [supervisor.restart_pause(code) for _ in range(200)]
    assert least <= min(found) < max(found) <= most
