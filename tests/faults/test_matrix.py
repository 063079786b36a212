"""Whatever goes wrong with one request: in the end the account is as if it had not.

A cell is one scenario, over one way to contacts, with one fault at one request (or call) of what
Mailroom does about it while it runs; or from its start on, with all that it asks to get going,
which is the same in every scenario and so is shown in one. With sixty senders, each fault strikes
at one request of each kind; with ``FAULTS=all`` in the environment nothing is left out. Time is the
loop's own (:mod:`tests.support.virtual_time`): every wait is the real one, and takes no time.
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
    SCENARIOS,
    Prepared,
    Scenario,
    play,
    prepared,
)
from tests.support import virtual_time
from tests.support.faults.account import copied, wrong_in_the_end
from tests.support.faults.faults import FAULTS, Fault, Spot, striking
from tests.support.faults.server import Served, serving

Measured = Callable[[str], None]

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
def test_in_the_end_nothing_shows_of_a_fault(
    *, scenario: Scenario, backend: str, fault: Fault, at_start: bool
) -> None:
    ready = prepared(scenario, backend, at_start=at_start)
    spots = _spots(scenario, ready, fault, at_start=at_start)
    failed = virtual_time.run(_run(scenario, ready, fault, spots, at_start=at_start))
    assert not failed, "\n".join(failed)


def _spots(scenario: Scenario, ready: Prepared, fault: Fault, *, at_start: bool) -> list[Spot]:
    spots = list(fault.spots(ready.exchanges, ready.answered))
    if at_start:
        return [each for each in spots if each.request < ready.preliminaries]
    return scenario.some(spots, lambda spot: (spot.kind, spot.call), 7 * FAULTS.index(fault))


@pytest.mark.parametrize("backend", BACKENDS)
def test_how_large_the_matrix_is(backend: str, measured: Measured) -> None:
    cells = Counter[str]()
    for scenario, at_start in (*((each, False) for each in SCENARIOS), (FROM_THE_START, True)):
        ready = prepared(scenario, backend, at_start=at_start)
        cells[f"{scenario}{' from the start' * at_start}"] = sum(
            len(_spots(scenario, ready, fault, at_start=at_start)) for fault in FAULTS
        )
    assert all(cells.values())
    parts = ", ".join(f"{name} {count}" for name, count in cells.items())
    total = f"{cells.total()} cells, all of them run"
    large = ", ".join(str(each) for each in SCENARIOS if each.is_large)
    told = parts if EVERYTHING else f"{parts}; {large}: one request of each kind for each fault"
    measured(f"fault matrix over {backend}: {total} ({told})")


async def _run(
    scenario: Scenario, ready: Prepared, fault: Fault, spots: Sequence[Spot], *, at_start: bool
) -> list[str]:
    """Run cells; gives what was wrong with those that failed."""
    failed: list[str] = []
    async with serving(copied(ready.base)) as served:
        for spot in spots:
            random.seed(f"{scenario} {fault} {spot}")  # the jitter's, so that a cell can be rerun
            wrong = await _cell(scenario, ready, fault, spot, served, at_start=at_start)
            failed += [f"{spot}: {each}" for each in wrong]
    return failed


async def _cell(
    scenario: Scenario,
    ready: Prepared,
    fault: Fault,
    spot: Spot,
    served: Served,
    *,
    at_start: bool,
) -> list[str]:
    account = copied(ready.base)
    intercept, struck = striking(fault, spot, served, served.lines[0])
    with capture_logs() as log:
        try:
            await play(scenario, served, account, at_start=at_start, intercept=intercept)
        except AssertionError as error:
            return [str(error)]
        await served.returned()
    return [
        *wrong_in_the_end(account, ready.end),
        *(f"mistake: {each}" for each in log if each.get("exc_info")),
        *(["it never came to that"] if not struck.is_set() else []),
    ]
