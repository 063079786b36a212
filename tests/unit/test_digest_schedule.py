"""A digest that cannot be written is tried again on the same day, unless the server never will."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs
from yarl import URL

from mailroom.http.errors import UnreachableError
from mailroom.jmap.errors import MethodError, SessionError
from mailroom.runtime import digest_schedule
from mailroom.runtime.digest_schedule import DigestSchedule
from mailroom.settings.load import load_settings
from tests.faults.scenarios import environ
from tests.support import virtual_time

DUE = datetime(2026, 11, 28, 8, tzinfo=UTC)
HOUR = 3600.0
SETTINGS = load_settings(
    {**environ("http://127.0.0.1"), "MAILROOM_DIGEST_AT": "8:00", "MAILROOM_TIMEZONE": "UTC"},
    cwd=Path("/"),
)


class Morning:
    """A schedule that always fails in the same way, by a clock that the test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        self.now = DUE
        self.attempts = 0
        self.failures = 0

        async def fail(*_: Any) -> None:
            self.attempts += 1
            raise error

        async def mail() -> None:
            return None

        monkeypatch.setattr(digest_schedule, "read_places", fail)
        client = SimpleNamespace(server_now=lambda: self.now)
        account: Any = SimpleNamespace(settings=SETTINGS, client=client, mail=mail)
        self.schedule = DigestSchedule(account, self._note_failure)

    def _note_failure(self) -> None:
        self.failures += 1

    async def look(self, after: timedelta) -> float:
        """Look some time after the digest is due; return the seconds until the next look."""
        self.now = DUE + after
        return await self.schedule.write_if_due()


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError(URL("https://x.example"), "refused", sent=False),
        MethodError("Email/import", "serverFail"),
    ],
)
async def test_a_passing_failure_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    morning = Morning(monkeypatch, error)
    assert await morning.look(timedelta(seconds=29)) == 1
    assert morning.attempts == 0
    for attempt in (1, 2):
        assert await morning.look(timedelta(minutes=10 * attempt)) == 600
        assert (morning.attempts, morning.failures) == (attempt, attempt)


@pytest.mark.parametrize(
    "error",
    [
        SessionError("there is no uploadUrl"),
        MethodError("Email/import", "unknownMethod"),
        RuntimeError("a mistake"),
    ],
)
async def test_a_lasting_failure_is_told_once_a_day(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    morning = Morning(monkeypatch, error)
    with capture_logs() as log:
        assert await morning.look(timedelta(minutes=1)) == HOUR
        assert await morning.look(timedelta(hours=23, minutes=30)) == HOUR / 2 + 30
        assert (morning.attempts, len(log)) == (1, 1)
        await morning.look(timedelta(days=1, minutes=1))
        assert (morning.attempts, morning.failures, len(log)) == (2, 2, 2)


def test_after_a_failure_new_mail_is_screened_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next digest takes mail for old that came before this one was due."""
    morning = Morning(monkeypatch, UnreachableError(URL("https://x.example"), "down", sent=False))
    morning.now = DUE + timedelta(minutes=1)

    async def outage() -> list[int]:
        running = asyncio.create_task(morning.schedule.run())
        attempts = []
        for has_passed in (False, True, False, True):
            if has_passed:
                morning.schedule.pass_succeeded()
            await asyncio.sleep(HOUR)
            attempts.append(morning.attempts)
        running.cancel()
        return attempts

    assert virtual_time.run(outage()) == [0, 1, 1, 2]
