"""Passes that the page requests from the service, and the lock that separates all passes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from mailroom.screener.passes.plan import Plan
from mailroom.screener.passes.progress import Report
from mailroom.screener.passes.workflow import ScreenerWorkflow
from mailroom.waiting.trigger import Trigger

Listener = Callable[[Report | Exception], None]
"""A function that is called at the end of each pass with the report, or with the error."""

_ENDED = "the service has ended"


class PassFailedError(Exception):
    """The pass failed, or the service ended before the pass; the text is the reason."""


class RequestedPasses:
    """Lets the page ask the service of its account for passes.

    Args:
        trigger: the trigger of the service's passes.
        workflow: returns the account's workflow.

    Attributes:
        turn: the lock for a pass or a plan, of which only one is carried out at a time.
    """

    def __init__(
        self, trigger: Trigger, workflow: Callable[[], Awaitable[ScreenerWorkflow]]
    ) -> None:
        self.turn = asyncio.Lock()
        self._trigger = trigger
        self._workflow = workflow
        # The open requests, each with the Email state that a pass must have read; empty if unknown.
        self._requests: list[tuple[asyncio.Future[Report], str]] = []
        # The requests that the pass that runs will answer.
        self._taken: list[asyncio.Future[Report]] = []
        self._is_closed = False
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call a listener at the end of each pass."""
        self._listeners.append(listener)

    @contextmanager
    def collect(self) -> Iterator[list[Report]]:
        """Yield a list, and add the reports of all passes that end inside the block to the list."""
        reports = list[Report]()

        def note(result: Report | Exception) -> None:
            if not isinstance(result, Exception):
                reports.append(result)

        self._listeners.append(note)
        try:
            yield reports
        finally:
            self._listeners.remove(note)

    async def run(self, *, state: str = "") -> Report:
        """Ask for a pass that begins after this call; return its report.

        Args:
            state: an Email state. A pass that has read mail in this state, but has decided nothing
                yet, answers the request as well. Empty: such a pass must read the mail again.

        Raises:
            PassFailedError: the pass failed, or the service has ended.
        """
        if self._is_closed:
            raise PassFailedError(_ENDED)
        request = asyncio.get_running_loop().create_future()
        self._requests.append((request, state))
        self._trigger.change(settle=False)
        report: Report = await request
        return report

    async def apply(self, plan: Plan) -> Report:
        """Carry out a plan between two passes. Raises as :meth:`ScreenerWorkflow.apply`."""
        async with self.turn:
            report = await (await self._workflow()).apply(plan)
        self._notify(report)
        return report

    def requests_are_met_by(self, state: str) -> bool:
        """Return True if every request is met by a pass that has read mail in a state."""
        return all(wanted and wanted == state for _, wanted in self._requests)

    def take_requests(self) -> None:
        """Let the pass that runs answer all requests that were made so far.

        Call this before the pass reads, or if its reading meets these requests. Requests that are
        made later are left to the next pass.
        """
        self._taken += [request for request, _ in self._requests]
        self._requests = []

    def pass_ended(self, result: Report | Exception) -> None:
        """Answer the requests of a pass with its result."""
        # Listeners are called first: the page's listener notes that its list is old, and the page
        # may read the list as soon as its request is answered.
        self._notify(result)
        taken, self._taken = self._taken, []
        for request in taken:
            if request.done():  # cancelled: the caller does not wait any more
                continue
            if isinstance(result, Exception):
                request.set_exception(PassFailedError(str(result)))
            else:
                request.set_result(result)

    def close(self) -> None:
        """Fail the open requests, also requests of an interrupted pass, and refuse new requests."""
        self._is_closed = True
        self.take_requests()
        for request in self._taken:
            if not request.done():
                request.set_exception(PassFailedError(_ENDED))

    def _notify(self, result: Report | Exception) -> None:
        for listener in tuple(self._listeners):
            listener(result)
