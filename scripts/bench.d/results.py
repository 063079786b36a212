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
        bytes: bytes of their bodies and of the answers' bodies, as they were sent.
        seconds: its duration.
        cpu_seconds: the service's processor time.
    """

    requests: float
    bytes: float
    seconds: float
    cpu_seconds: float

    @classmethod
    def middle(cls, passes: Sequence[Self]) -> Self:
        """The median of each figure."""
        return cls(
            median(one_pass.requests for one_pass in passes),
            median(one_pass.bytes for one_pass in passes),
            median(one_pass.seconds for one_pass in passes),
            median(one_pass.cpu_seconds for one_pass in passes),
        )


@dataclass
class Spread:
    """Many times."""

    count: int
    p50: float
    p95: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Self:
        """Of these times; at least two."""
        percentiles = quantiles(seconds, n=20, method="inclusive")
        return cls(len(seconds), median(seconds), percentiles[-1])


@dataclass
class Startup:
    """The time from the start of the process until it is ready, and its processor time."""

    seconds: float
    cpu_seconds: float


@dataclass
class Line:
    """All results at one round trip, by name."""

    passes: dict[str, Pass] = field(default_factory=dict)
    latency: dict[str, Spread] = field(default_factory=dict)
    startup: Startup | None = None


@dataclass
class Memory:
    """Resident memory: at first, and after so many further passes."""

    idle: float
    later: float
    passes: int


@dataclass
class World:
    """All results on one server, by the round trip in ms."""

    lines: dict[int, Line] = field(default_factory=dict)
    memory: Memory | None = None


@dataclass
class Idle:
    """So many accounts with which nothing happens, in one process.

    Attributes:
        accounts: how many.
        memory: resident.
        cpu_percent: of one processor, in a minute in which no poll is due.
        sockets: open ones.
        ready: seconds until all were.
    """

    accounts: int
    memory: float
    cpu_percent: float
    sockets: int
    ready: float


@dataclass
class Rush:
    """A tap in each account, all at once: seconds until the labels were off."""

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
        memory: resident, after all that.
        idle_cpu: the service's processor time for such an idle pass.
        tap_cpu: the same for the pass of a label.
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
    """Everything.

    Attributes:
        machine: where it was measured.
        measured_on: the day of the last part.
        worlds: by key.
        many: many accounts in one process.
        growth: sizes of an account, smallest first, by the kind of growth.
    """

    machine: str
    measured_on: str
    worlds: dict[str, World] = field(default_factory=dict)
    many: Many | None = None
    growth: dict[str, list[Step]] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Self:
        """Nothing measured yet."""
        today = datetime.now(UTC).date().isoformat()
        python = f"{platform.python_implementation()} {platform.python_version()}"
        return cls(f"{os.cpu_count()} cores, {platform.machine()}, {python}", today)


_FORM: Final = TypeAdapter(Results)


def load(file: Path) -> Results:
    """Return the kept results; empty if there are none."""
    return _FORM.validate_json(file.read_bytes()) if file.exists() else Results.here()


def save(results: Results, file: Path) -> None:
    """Keep it."""
    fresh = Results.here()
    results.machine, results.measured_on = fresh.machine, fresh.measured_on
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_FORM.dump_json(results, indent=2) + b"\n")
