"""The service clears old waiting mail at its start and then once an hour, whatever fails."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from mailroom.jmap.errors import MethodError
from mailroom.runtime import expiry
from mailroom.runtime.expiry import Expiry
from mailroom.screener.model.missing import MissingRoleError
from mailroom.screener.passes.clearing import Cleared
from tests.support import virtual_time

HOUR = 3600


class FakeClearing:
    """Notes the ages that it is run with; each run has the next of the results."""

    ages: list[timedelta]
    results: list[Cleared | Exception]

    def __init__(self, *_: Any) -> None:
        pass

    async def run(self, older: timedelta, _show_progress: Callable[[int, int], None]) -> Cleared:
        self.ages.append(older)
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


async def _mail() -> None:
    return None


def run(
    monkeypatch: pytest.MonkeyPatch,
    *results: Cleared | Exception,
    expire: str = "30d",
    pauses: tuple[float, ...] = (0,),
) -> tuple[list[timedelta], list[Any]]:
    """Have a pass end after each of the pauses; return the ages cleared, and the log."""
    FakeClearing.ages, FakeClearing.results = [], list(results)
    monkeypatch.setattr(expiry, "Clearing", FakeClearing)
    screener = SimpleNamespace(expire=expire, layout=None)
    settings = SimpleNamespace(screener=screener, categories=None)
    account: Any = SimpleNamespace(settings=settings, mail=_mail)

    async def passes() -> None:
        service_part = Expiry(account)
        for pause in pauses:
            await asyncio.sleep(pause)
            await service_part.run_if_due()

    with capture_logs() as log:
        virtual_time.run(passes())
    return FakeClearing.ages, log


def test_nothing_is_cleared_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, expire="") == ([], [])


def test_it_clears_at_the_start_and_then_once_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Cleared("Archive")
    ages, log = run(monkeypatch, nothing, nothing, pauses=(0, 1, HOUR - 2, 1, 1))
    assert (ages, log) == ([timedelta(days=30)] * 2, [])


def test_the_numbers_are_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    _, log = run(monkeypatch, Cleared("Archive", 3, {"a", "b"}, failures={"m1": "no room"}))
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
    ages, log = run(monkeypatch, failure, Cleared("Archive", 1), pauses=(0, 1, HOUR))
    assert len(ages) == 2
    assert [line["log_level"] for line in log] == [level, "info"]
