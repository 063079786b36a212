"""The service clears old waiting mail at its start and then once an hour, whatever fails."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from mailroom.account import open_account
from mailroom.jmap.errors import MethodError
from mailroom.metrics import Metrics
from mailroom.runtime import expiry
from mailroom.runtime.expiry import Expiry
from mailroom.runtime.service import Service
from mailroom.runtime.telemetry import Telemetry
from mailroom.screener.model.missing import MissingRoleError
from mailroom.screener.passes import mail_run
from mailroom.screener.passes.mail_run import RunResult
from mailroom.settings.load import load_settings
from tests.support import virtual_time
from tests.support.owner.person import Owner, message, until
from tests.support.proxy.proxy import Answer, Exchange, Forward, Proxy
from tests.support.service.process import environment
from tests.support.variants.worlds import OnSandbox, SandboxServer, Variant

HOUR = 3600


@pytest.fixture
def world(tmp_path: Path) -> OnSandbox:
    return OnSandbox(Variant("sandbox", "jmap", "poll"), tmp_path)


@dataclass
class FakeRun:
    """A run of so many parts; the last one ends with `end`."""

    end: RunResult | Exception
    parts: int = 1

    @property
    def has_more(self) -> bool:
        return self.parts > 0

    @property
    def result(self) -> RunResult:
        assert isinstance(self.end, RunResult)
        return self.end

    async def patch_part(self) -> None:
        self.parts -= 1
        if isinstance(self.end, Exception) and not self.parts:
            raise self.end


class FakeClearing:
    """Notes the ages that it is begun with; each run is the next of those given."""

    ages: list[timedelta]
    runs: list[FakeRun]

    def __init__(self, *_: Any) -> None:
        pass

    async def begin(self, older: timedelta) -> FakeRun:
        self.ages.append(older)
        return self.runs.pop(0)


async def _mail() -> None:
    return None


def run(
    monkeypatch: pytest.MonkeyPatch,
    *results: RunResult | Exception,
    expire: str = "30d",
    pauses: tuple[float, ...] = (0,),
    parts: int = 1,
    has_codes: bool = False,
) -> tuple[list[timedelta], list[Any]]:
    """Have a pass end after each of the pauses; return the ages cleared, and the log."""
    FakeClearing.ages = []
    FakeClearing.runs = [FakeRun(result, parts) for result in results]
    monkeypatch.setattr(expiry, "Clearing", FakeClearing)
    screener = SimpleNamespace(expire=expire, layout=None)
    settings = SimpleNamespace(screener=screener, categories=None, has_codes=has_codes)
    account: Any = SimpleNamespace(settings=settings, mail=_mail)

    async def passes() -> None:
        service_part = Expiry(account)
        for pause in pauses:
            await asyncio.sleep(pause)
            while await service_part.run_part_if_due():
                pass

    with capture_logs() as log:
        virtual_time.run(passes())
    return FakeClearing.ages, log


def test_nothing_is_cleared_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, expire="") == ([], [])


def test_it_clears_at_the_start_and_then_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = RunResult("Archive")
    ages, log = run(monkeypatch, nothing, nothing, pauses=(0, 1, HOUR - 2, 1, 1))
    assert (ages, log) == ([timedelta(days=30)] * 2, [])


def test_the_numbers_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    _, log = run(monkeypatch, RunResult("Archive", 3, {"a", "b"}, failures={"m1": "no room"}))
    done, failed = log
    assert (done["event"], done["mails"], done["senders"]) == ("waiting mail cleared", 3, 2)
    assert (failed["log_level"], failed["mails"], failed["error"]) == ("warning", 1, "no room")


@pytest.mark.parametrize(
    ("failure", "level"),
    [
        (MissingRoleError("archive"), "warning"),
        (MethodError("Email/set", "serverFail"), "warning"),
        (ZeroDivisionError(), "error"),
    ],
    ids=str,
)
def test_a_failure_is_logged_and_the_next_hour_tries_again(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, level: str
) -> None:
    ages, log = run(monkeypatch, failure, RunResult("Archive", 1), pauses=(0, 1, HOUR), parts=3)
    assert len(ages) == 2
    assert [line["log_level"] for line in log] == [level, "info"]


def test_old_codes_are_removed_once_an_hour_too(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = list[str]()

    async def begin(*_: Any) -> FakeRun:
        begun.append("codes")
        return FakeRun(RunResult("", 1, {"a"}), parts=2)

    monkeypatch.setattr(expiry, "begin_code_removal", begin)
    ages, log = run(monkeypatch, *[RunResult("Archive")] * 2, pauses=(0, 1, HOUR), has_codes=True)
    assert (len(ages), len(begun)) == (2, 2)
    assert [line["event"] for line in log] == ["mail with codes taken out of the Inbox"] * 2


async def test_a_pass_that_is_asked_for_runs_between_two_parts(
    alice: Owner, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_run, "_AT_ONCE", 1)
    assert isinstance(alice.server, SandboxServer)
    old = datetime.now(UTC) - timedelta(days=31)
    for number in range(4):
        await alice.server.deliver_at(alice.name, old, message("x@corp.example", str(number)))
    await alice.move([each.id for each in await alice.mails()], ["Screener"])
    env = environment(alice, http=proxy.url, MAILROOM_SCREENER_EXPIRE="30d")
    settings = load_settings(env, cwd=tmp_path)
    asked: list[asyncio.Task[Any]] = []
    done: list[bool] = []

    async def intercept(exchange: Exchange, forward: Forward) -> Answer:
        if exchange.is_write:
            done.append(bool(asked) and asked[0].done())
            if len(done) == 2:
                asked.append(asyncio.create_task(service.passes.run()))
        return await forward()

    proxy.intercept = intercept
    async with open_account(settings) as account:
        service = Service(account, Telemetry.of(settings, Metrics()))
        running = asyncio.create_task(service.run())

        async def are_cleared() -> bool:
            return all("Archive" in each.mailboxes for each in await alice.mails())

        await until(are_cleared, "everything is cleared")
        running.cancel()
        await asyncio.wait({running})
    # The pass was asked for while the second part was cleared, and was over before the third.
    assert done == [False, False, True, True]
