"""The account of every contract test, on both servers, and the list of covered behaviour."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from tests.contract.servers import Account, cyrus_account, sandbox_account
from tests.support.servers.cyrus import Cyrus

_SERVERS = ("sandbox", "cyrus", "james")


@pytest.fixture(scope="session", params=["sandbox", pytest.param("cyrus", marks=pytest.mark.cyrus)])
def real_server(request: pytest.FixtureRequest) -> Cyrus | None:
    """Cyrus for a test on Cyrus; None for a test on the sandbox."""
    return asyncio.run(Cyrus.start("contract")) if request.param == "cyrus" else None


@pytest.fixture
async def account(real_server: Cyrus | None) -> AsyncIterator[Account]:
    if real_server is None:
        async with sandbox_account() as (account, _):
            yield account
    else:
        async with cyrus_account(real_server) as account:
            yield account


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the tests that passed on each server: one line per test, one column per server."""
    shown: dict[str, set[str]] = defaultdict(set)
    for report in terminalreporter.getreports("passed"):
        path, _, case = report.nodeid.rpartition("::")
        name, _, parameters = case.removesuffix("]").partition("[")
        server = parameters.partition("-")[0]
        if report.when == "call" and server in _SERVERS:
            subject = path.rpartition("test_")[2].removesuffix(".py")
            words = name.removeprefix("test_").replace("_", " ")
            shown[f"{subject}: {words}"].add(server)
    if shown:
        terminalreporter.section("contract: behaviour shown on each server")
        for line in sorted(shown):
            marks = (name if name in shown[line] else " " * len(name) for name in _SERVERS)
            terminalreporter.write_line(f"{' '.join(marks)}  {line}")
