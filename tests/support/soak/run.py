"""``python -m tests.support.soak.run``: a busy mailbox, compressed; see ``scripts/soak -h``."""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from tests.support.owner.person import Person, until
from tests.support.servers.cyrus import Cyrus
from tests.support.service.in_process import set_up
from tests.support.service.process import environment
from tests.support.soak.activity import Activity, make_senders
from tests.support.soak.checks import misplaced, totals, wrong_contacts
from tests.support.soak.model import Model
from tests.support.soak.service import ServiceRuns

_RESTARTS: Final = {2: "kill", 4: "stop", 6: "server"}
"""Round -> the restart in this round, so that each kind of restart happens at least once."""
_RESTART: Final = 0.1
_CONFLICT: Final = 0.25
_EDIT: Final = 0.5
"""The chances of three actions in a round."""
_LEAST_ROUNDS: Final = 14

Print = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a soak.

    Attributes:
        wrong: a line for each mistake.
        figures: lines about the soak.
    """

    wrong: list[str]
    figures: list[str]


class Soak:
    """A busy mailbox on a server of its own.

    Args:
        cyrus: the server; is restarted.
        owner: has an empty account there, set up for Mailroom.
        log: the log of the service.
        seed: the seed of all random choices.
    """

    def __init__(self, cyrus: Cyrus, owner: Person, log: Path, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - is to be repeatable
        self._model = Model(make_senders())
        self._activity = Activity(owner, self._model, self._chance)
        level = os.environ.get("MAILROOM_LOG_LEVEL", "info")
        env = environment(owner, MAILROOM_ARRIVALS_ENABLED="true", MAILROOM_LOG_LEVEL=level)
        self._service_runs = ServiceRuns(env, log)
        self._cyrus = cyrus
        self._owner = owner
        self._rounds = 0

    async def run(self, seconds: float, show: Print) -> Outcome:
        """Run rounds for some seconds, and at least until everything has happened once."""
        await self._activity.begin()
        await self._service_runs.start()
        try:
            await self._run_rounds(time.monotonic() + seconds, show)
            await self._service_runs.end(signal.SIGTERM)
        finally:
            await self._service_runs.close()
        return Outcome(await self._wrong(), self._figures())

    async def _run_rounds(self, until_when: float, show: Print) -> None:
        while time.monotonic() < until_when or self._rounds < _LEAST_ROUNDS:
            self._rounds += 1
            await self._round()
            if self._rounds % 10 == 0:
                show(f"round {self._rounds}: {len(self._model.mails)} mails")

    async def _round(self) -> None:
        acts = self._activity.round()
        at = self._chance.randrange(len(acts))
        for act in acts[:at]:
            await act()
        await self._restart(self._restart_of_round())
        for act in acts[at:]:
            await act()
        await self._until_as_expected()
        await self._quiet()

    async def _quiet(self) -> None:
        """Do the actions that nothing else may accompany."""
        await self._activity.read_inbox()
        if self._chance.random() < _EDIT:
            await self._activity.edit()
        if self._chance.random() < _CONFLICT:
            await self._activity.conflict()
            await self._until_as_expected()
        await self._service_runs.sample()

    def _restart_of_round(self) -> str:
        if self._rounds in _RESTARTS:
            return _RESTARTS[self._rounds]
        happens = self._chance.random() < _RESTART and self._rounds > _LEAST_ROUNDS
        return self._chance.choice([*_RESTARTS.values()]) if happens else ""

    async def _restart(self, what: str) -> None:
        if what == "server":
            await self._cyrus.stop()
            await Cyrus.start(self._cyrus.instance)
        elif what:
            await self._service_runs.end(signal.SIGKILL if what == "kill" else signal.SIGTERM)
            await self._service_runs.start()
        if what:
            self._activity.done[f"restart: {what}"] += 1

    async def _until_as_expected(self) -> None:
        """Wait until every mail is where the model has it."""

        async def counts_fit() -> bool:
            return await totals(self._owner) == self._model.totals()

        async def fits() -> bool:
            return await counts_fit() and not await self._misplaced()

        try:
            await until(fits, "all is where it should be", patience=60)
        except AssertionError as error:
            misplaced = await self._misplaced()
            lines = [
                *misplaced,
                *self._service_runs.end_of_log(),
                *await self._service_runs.present_state(),
            ]
            text = "\n".join([f"{error} (round {self._rounds})", *lines])
            raise AssertionError(text) from None

    async def _misplaced(self) -> list[str]:
        mails = await self._owner.mails()
        self._activity.ids = {mail.subject: mail.id for mail in mails}
        return misplaced(mails, self._model)

    async def _wrong(self) -> list[str]:
        return [
            *await self._misplaced(),
            *await wrong_contacts(self._owner, self._model),
            *self._service_runs.complaints(),
            *self._service_runs.leaks(),
        ]

    def _figures(self) -> list[str]:
        done = ", ".join(f"{count} {what}" for what, count in sorted(self._activity.done.items()))
        longest = max(self._service_runs.samples, key=len)
        return [
            f"{self._rounds} rounds: {done}",
            f"put off, and done later: {self._service_runs.put_off()}",
            f"the service that ran longest, at first: {longest[0]}",
            f"the service that ran longest, at last:  {longest[-1]}",
            f"longest hold of the event loop (debug mode): {self._service_runs.slowest():.2f} s",
        ]


@asynccontextmanager
async def soaking(cwd: Path, seed: int) -> AsyncIterator[Soak]:
    """Prepare a soak on a server of its own."""
    cyrus = await Cyrus.start(f"soak-{os.getpid()}")
    # A restarted server has closed the connections that are kept open.
    connector = aiohttp.TCPConnector(force_close=True)
    try:
        async with aiohttp.ClientSession(connector=connector) as session:
            owner = Person(cyrus, "alice", session)
            await set_up(environment(owner), cwd)
            yield Soak(cyrus, owner, cwd / "mailroom.log", seed)
    finally:
        await cyrus.reset()


async def _main(minutes: float, seed: int) -> int:
    cwd = Path(tempfile.mkdtemp(prefix="mailroom-soak-"))
    _print(f"seed {seed}, log in {cwd}")
    async with soaking(cwd, seed) as soak:
        outcome = await soak.run(60 * minutes, _print)
    for line in [*outcome.figures, *(f"WRONG: {mistake}" for mistake in outcome.wrong)]:
        _print(line)
    return 1 if outcome.wrong else 0


def _print(line: str) -> None:
    sys.stdout.write(f"soak: {line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run a soak, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description="Soaks Mailroom.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    return asyncio.run(_main(options.minutes, options.seed))


if __name__ == "__main__":
    sys.exit(main())
