"""The results, and the file that keeps them. Times in seconds, memory in MB (10^6)."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Final, Self

from pydantic import TypeAdapter


@dataclass
class Pass:
    """A pass and its cost; the median of several passes.

    Attributes:
        requests: HTTP requests to the mail server.
        bytes: bytes of the requests' and answers' bodies, as they were sent.
        seconds: the duration of the pass.
        cpu_seconds: the service's processor time.
    """

    requests: float
    bytes: float
    seconds: float
    cpu_seconds: float

    @classmethod
    def median_of(cls, passes: Sequence[Self]) -> Self:
        """Return the median of each figure."""
        return cls(
            median(one_pass.requests for one_pass in passes),
            median(one_pass.bytes for one_pass in passes),
            median(one_pass.seconds for one_pass in passes),
            median(one_pass.cpu_seconds for one_pass in passes),
        )


@dataclass
class Spread:
    """The number, median and 95th percentile of some times in seconds."""

    count: int
    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Return the spread of at least two times."""
        percentiles = quantiles(seconds, n=20, method="inclusive")
        return cls(len(seconds), median(seconds), percentiles[-1])


@dataclass
class Startup:
    """The time from the start of the process until it is ready, and its processor time."""

    seconds: float
    cpu_seconds: float


@dataclass
class Line:
    """All results on one server at one round trip.

    Attributes:
        passes: by the keys of :data:`passes.TITLES`.
        latency: by the keys of :data:`table.LATENCIES`.
        startup: the start of the service.
    """

    passes: dict[str, Pass] = field(default_factory=dict)
    latency: dict[str, Spread] = field(default_factory=dict)
    startup: Startup | None = None


@dataclass
class Memory:
    """Resident memory: at first (``idle``), and after a number of passes (``later``)."""

    idle: float
    later: float
    passes: int


@dataclass
class ServerResults:
    """All results on one server; ``lines`` by the round trip in ms."""

    lines: dict[int, Line] = field(default_factory=dict)
    memory: Memory | None = None


@dataclass
class Idle:
    """One process with a number of accounts in which nothing happens.

    Attributes:
        accounts: the number of accounts.
        memory: resident memory.
        cpu_percent: use of one processor, while no poll is due.
        sockets: the number of open sockets.
        ready: seconds until all accounts were ready.
    """

    accounts: int
    memory: float
    cpu_percent: float
    sockets: int
    ready: float


@dataclass
class Rush:
    """A tap in each account at the same time, and the seconds until the labels were removed.

    Attributes:
        accounts: the number of accounts.
        p50: the median.
        p95: the 95th percentile.
        all: the time until the last label was removed.
    """

    accounts: int
    p50: float
    p95: float
    all: float


@dataclass
class Many:
    """Many accounts in one process."""

    idle: list[Idle] = field(default_factory=list)
    rush: Rush | None = None


@dataclass
class Step:
    """One size of an account that grows, and its cost.

    Attributes:
        count: the size.
        ready: seconds from the start of the process until two passes are done.
        idle: seconds of a pass that finds nothing to do.
        tap: seconds of the pass for one label.
        page: seconds until the page is first shown.
        memory: resident memory at the end.
        idle_cpu: the service's processor time for a pass that finds nothing to do.
        tap_cpu: the service's processor time for the pass for one label.
    """

    count: int
    ready: float
    idle: float
    tap: float
    page: float
    memory: float
    idle_cpu: float = 0.0
    tap_cpu: float = 0.0


@dataclass
class Results:
    """All results.

    Attributes:
        machine: the machine of the last measurement.
        measured_on: the day of the last measurement.
        worlds: the results on each server, by the keys of :data:`worlds.TITLES`.
        many: many accounts in one process.
        growth: sizes of an account, smallest first, by the kind of growth.
    """

    machine: str
    measured_on: str
    worlds: dict[str, ServerResults] = field(default_factory=dict)
    many: Many | None = None
    growth: dict[str, list[Step]] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Self:
        """Return empty results, measured on this machine today."""
        today = datetime.now(UTC).date().isoformat()
        python = f"{platform.python_implementation()} {platform.python_version()}"
        return cls(f"{os.cpu_count()} cores, {platform.machine()}, {python}", today)


_FORM: Final = TypeAdapter(Results)


def load(file: Path) -> Results:
    """Return the kept results; empty if there are none."""
    return _FORM.validate_json(file.read_bytes()) if file.exists() else Results.here()


def save(results: Results, file: Path) -> None:
    """Write the results, with this machine and today's date."""
    fresh = Results.here()
    results.machine, results.measured_on = fresh.machine, fresh.measured_on
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_FORM.dump_json(results, indent=2) + b"\n")
