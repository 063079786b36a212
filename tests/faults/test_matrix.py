"""A fault at any one request does not change the account's state at the end.

The words of this folder:

- A *scenario* (``scenarios.py``) is an account at rest and something that happens to it: its owner
  taps a mail, new mail comes, a conflict ends. Mailroom then runs until nothing is left to do.
- The *reference run* of a scenario has no faults. It yields two things: every request that Mailroom
  sent, in order, and a snapshot of the account at the end.
- A *fault* (``tests/support/faults/faults.py``) is one failure of one request: the connection is
  dropped, the answer is cut in half, the server returns 503, one call in a JMAP request fails. It
  happens once, then the server works again.
- An *injection point* is the place in the run where a fault is injected: the number of a request in
  the reference run, and the number of a call in this request.
- A *cell* of the matrix is one scenario, over one address-book protocol, with one fault at one
  injection point. It passes if the account ends as in the reference run, no mail was ever in no
  mailbox, and nothing was logged with a traceback.

Each scenario runs in two ways. Usually the service runs already when the scenario begins. In the
rows "from the start" the service starts afterwards, and faults are injected into its first
requests; these are the same in every scenario, so one scenario shows them.

The scenario with sixty senders repeats the same requests many times, so each fault is injected at
one request of each kind, and scenarios that are variations of others are left out; ``FAULTS=all``
in the environment runs them all. The service and the sandbox share one process and one virtual
clock (``tests/support/virtual_time.py``): every back-off is the real one and takes no time.

A failed cell prints its injection point, such as ``n=7 call=2 (Email/set ifInState)``.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from tests.faults.scenarios import (
    BACKENDS,
    EVERYTHING,
    Prepared,
    Scenario,
    play,
    prepared,
)
from tests.faults.scenarios import SCENARIOS as ALL_SCENARIOS
from tests.support import virtual_time
from tests.support.faults.account import copied, differences
from tests.support.faults.faults import FAULTS, Fault, InjectionPoint, inject
from tests.support.faults.server import AccountServer, serving

Measured = Callable[[str], None]

SCENARIOS: Final = tuple(
    scenario for scenario in ALL_SCENARIOS if EVERYTHING or not scenario.is_variation
)
FROM_THE_START: Final = SCENARIOS[0]


def _cases() -> Iterator[Any]:
    for backend in BACKENDS:
        for scenario in SCENARIOS:
            for fault in FAULTS:
                case = (scenario, backend, fault, False)
                yield pytest.param(*case, id=f"{scenario}-{backend}-{fault}")
        for fault in FAULTS:
            case = (FROM_THE_START, backend, fault, True)
            yield pytest.param(*case, id=f"{FROM_THE_START} from the start-{backend}-{fault}")


@pytest.mark.parametrize(("scenario", "backend", "fault", "at_start"), [*_cases()])
def test_the_account_ends_as_without_the_fault(
    *, scenario: Scenario, backend: str, fault: Fault, at_start: bool
) -> None:
    ready = prepared(scenario, backend, at_start=at_start)
    points = _points(scenario, ready, fault, at_start=at_start)
    failed = virtual_time.run(_run(scenario, ready, fault, points, at_start=at_start))
    assert not failed, "\n".join(failed)


def _points(
    scenario: Scenario, ready: Prepared, fault: Fault, *, at_start: bool
) -> list[InjectionPoint]:
    points = list(fault.points(ready.exchanges, ready.answered))
    if at_start:
        return [point for point in points if point.request < ready.startup_requests]
    return scenario.sample(points, lambda point: (point.kind, point.call), 7 * FAULTS.index(fault))


@pytest.mark.parametrize("backend", BACKENDS)
def test_how_large_the_matrix_is(backend: str, measured: Measured) -> None:
    cells = Counter[str]()
    for scenario, at_start in (
        *((scenario, False) for scenario in SCENARIOS),
        (FROM_THE_START, True),
    ):
        ready = prepared(scenario, backend, at_start=at_start)
        cells[f"{scenario}{' from the start' * at_start}"] = sum(
            len(_points(scenario, ready, fault, at_start=at_start)) for fault in FAULTS
        )
    assert all(cells.values())
    parts = ", ".join(f"{name} {count}" for name, count in cells.items())
    total = f"{cells.total()} cells, all of them run"
    large = ", ".join(str(scenario) for scenario in SCENARIOS if scenario.is_large)
    figures = parts if EVERYTHING else f"{parts}; {large}: one request of each kind for each fault"
    measured(f"fault matrix over {backend}: {total} ({figures})")


async def _run(
    scenario: Scenario,
    ready: Prepared,
    fault: Fault,
    points: Sequence[InjectionPoint],
    *,
    at_start: bool,
) -> list[str]:
    """Run one cell for each point, and return the differences of those that failed."""
    failed: list[str] = []
    async with serving(copied(ready.base)) as server:
        for point in points:
            random.seed(f"{scenario} {fault} {point}")  # the jitter's, so that a cell can be rerun
            wrong = await _cell(scenario, ready, fault, point, server, at_start=at_start)
            failed += [f"{point}: {difference}" for difference in wrong]
    return failed


async def _cell(
    scenario: Scenario,
    ready: Prepared,
    fault: Fault,
    point: InjectionPoint,
    server: AccountServer,
    *,
    at_start: bool,
) -> list[str]:
    account = copied(ready.base)
    intercept, injected = inject(fault, point, server, server.lines[0])
    with capture_logs() as log:
        try:
            await play(scenario, server, account, at_start=at_start, intercept=intercept)
        except AssertionError as error:
            return [str(error)]
        await server.until_back()
    return [
        *differences(account, ready.end),
        *(f"mistake: {entry}" for entry in log if entry.get("exc_info")),
        *(["the fault was never injected"] if not injected.is_set() else []),
    ]
