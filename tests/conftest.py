"""Settings and fixtures of all tests."""

import asyncio
import fcntl
import gc
import os
from collections.abc import Callable, Iterator
from typing import Final

import pytest
from hypothesis import settings

from tests.support.servers.cyrus import Cyrus
from tests.support.servers.james import James
from tests.support.variants.table import of_behaviours

# The time that an example takes depends on the machine, not on the code.
settings.register_profile("mailroom", deadline=None)
# For an hour when nobody waits: pytest --hypothesis-profile=thorough
settings.register_profile("thorough", deadline=None, max_examples=5000)
settings.load_profile("mailroom")

_MOSTLY_WAITING: Final = ("e2e", "web")
"""Folders of tests that mostly wait, and need little processor time."""


def pytest_collection() -> None:
    """Collect tests without collecting garbage: all objects that are made here stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Collect garbage from now on, but not among the collected tests."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first, and spread the tests that mostly wait over the whole run.

    So no process is left with a long test at the end. Each process begins with an equal part of the
    list, and tests that wait for a server or a browser run beside tests that compute.
    """
    waiting = [item for item in items if item.path.parent.name in _MOSTLY_WAITING]
    computing = [item for item in items if item.path.parent.name not in _MOSTLY_WAITING]
    places = {
        item: number / len(tests)
        for tests in (waiting, computing)
        for number, item in enumerate(tests)
    }
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, places[item]))


@pytest.fixture(scope="session")
def cyrus() -> Cyrus:
    """The server that is shared by all tests that do not stop it."""
    return asyncio.run(Cyrus.start("e2e"))


@pytest.fixture(scope="session")
def james(tmp_path_factory: pytest.TempPathFactory) -> Iterator[James]:
    """A server for this process, because James has one user at a time; ends with the process."""
    lock = tmp_path_factory.mktemp("james") / "lock"
    with lock.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        server = asyncio.run(James.start(f"pytest-{os.getpid()}", while_held=lock))
        yield server
        asyncio.run(server.stop())


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return a function that has a line printed at the end of the run."""
    return lambda line: request.node.user_properties.append(("measured", line))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines of the fixture ``measured`` and the table of behaviours.

    Both also come from the other processes of a run.
    """
    if lines := _measured_lines(terminalreporter):
        terminalreporter.section("measured")
        for line in sorted(lines):
            terminalreporter.write_line(line)
    reports = [
        report
        for outcome in ("passed", "failed", "error", "")
        for report in terminalreporter.getreports(outcome)
        if isinstance(report, pytest.TestReport)
    ]
    if lines := of_behaviours(reports):
        terminalreporter.section("behaviours shown of each variant")
        for line in lines:
            terminalreporter.write_line(line)


def _measured_lines(terminalreporter: pytest.TerminalReporter) -> list[str]:
    return [
        str(value)
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
        for name, value in report.user_properties
        if name == "measured"
    ]
