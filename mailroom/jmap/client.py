"""One JMAP account's client: keeps the session, sends operations, cut to the server's limits.

Answers that mean "not now" are repeated here where a part of a request is put off, and in
:mod:`mailroom.http` where the whole is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar, overload

import structlog
from yarl import URL

from mailroom.concurrency import all_of
from mailroom.http import (
    BrokenAnswerError,
    HttpClient,
    HttpError,
    HttpRequest,
    RedirectError,
    Response,
    UnexpectedStatusError,
    UnreachableError,
    is_same_origin,
)
from mailroom.jmap.again import Answers, completed, pause, put_off
from mailroom.jmap.errors import JmapError, RequestError, SessionError
from mailroom.jmap.problems import is_beyond_limits, problem
from mailroom.jmap.request import Call, Operation, Request, Results, pack, parts, request_of
from mailroom.jmap.session import JMAP, Session, check_api_url, keeping_origin, parse_session

log = structlog.get_logger(__name__)

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")

_JSON: Final = {"Content-Type": "application/json", "Accept": JMAP}
_WELL_KNOWN: Final = "/.well-known/jmap"


class JmapClient:
    """Speaks to one JMAP server with one user's credentials.

    Args:
        http: sends the requests. The number at once follows the session's maxConcurrentRequests.
        session_url: the address of the session resource; a URL without a path stands for the one
            of RFC 8620 section 2.2.
        keep_origin: keep to the scheme, host and port of ``session_url``, whatever the server says
            of itself: behind a proxy it may not know better.
    """

    def __init__(self, http: HttpClient, session_url: URL, *, keep_origin: bool = False) -> None:
        self._http = http
        self._keep_origin = keep_origin
        is_bare = session_url.path in {"", "/"}
        self._session_url = session_url.with_path(_WELL_KNOWN) if is_bare else session_url
        self._session: Session | None = None
        self._is_stale = False
        self._last_state: str | None = None
        self._discovering = asyncio.Lock()
        self._failed_fetches = 0
        self._fetch_error: HttpError | None = None

    async def session(self) -> Session:
        """The session resource, fetched when there is none or a response said it changed.

        Raises:
            HttpError: it cannot be had.
        """
        failures = self._failed_fetches
        async with self._discovering:
            if self._fetch_error is not None and self._failed_fetches > failures:
                # It failed while we waited for it; to ask once more would not be any better.
                raise self._fetch_error
            if self._session is None or self._is_stale:
                self._session, self._is_stale = None, False
                self._session = await self._fetch_session()
            return self._session

    async def _fetch_session(self) -> Session:
        request = HttpRequest(
            "GET", self._session_url, {"Accept": JMAP}, keep_origin=self._keep_origin
        )
        try:
            session = await self._http.ask(request, _session)
        except RedirectError as error:
            raise SessionError(
                f"{error}. If that is the right server, set MAILROOM_JMAP_SESSION_URL to it; if a"
                " proxy stands before the server, set MAILROOM_JMAP_KEEP_ORIGIN=true"
            ) from None
        except HttpError as error:
            self._failed_fetches, self._fetch_error = self._failed_fetches + 1, error
            raise
        if self._keep_origin:
            session = keeping_origin(session, self._session_url)
        check_api_url(session, self._session_url, self._http.credentials.reach)
        self._http.slots.resize(_at_once(session.limits.max_concurrent_requests))
        return session

    def server_now(self) -> datetime:
        """Return the server's time in UTC; our own if its answers do not tell."""
        return self._http.server_now()

    def forget_session(self) -> None:
        """Fetch the session anew before the next request (after a failure, say).

        One that is being fetched just now may be older than what is known of it, so it is not
        relied on either.
        """
        self._session, self._is_stale = None, True

    @overload
    async def perform(self, a: Operation[A], /) -> tuple[A]: ...
    @overload
    async def perform(self, a: Operation[A], b: Operation[B], /) -> tuple[A, B]: ...
    @overload
    async def perform(
        self, a: Operation[A], b: Operation[B], c: Operation[C], /
    ) -> tuple[A, B, C]: ...
    @overload
    async def perform(
        self, a: Operation[A], b: Operation[B], c: Operation[C], d: Operation[D], /
    ) -> tuple[A, B, C, D]: ...
    async def perform(self, *operations: Operation[Any]) -> tuple[Any, ...]:
        """Send operations of several kinds together; see :meth:`perform_all`."""
        return tuple(await self.perform_all(operations))

    async def perform_all(
        self, operations: Sequence[Operation[T]], *, repeatable: bool = True
    ) -> list[T]:
        """Send operations in as few requests as the limits allow, all at once.

        Operations in one request are carried out in order; nothing orders those in different ones.

        Args:
            operations: what to do.
            repeatable: whether doing it twice is the same as doing it once.

        Returns:
            What each operation's ``read`` makes of its results.

        Raises:
            HttpError: the server cannot be reached or does not answer as it should.
            RequestError: it refused a whole request.
            MethodError: it refused a call.
        """
        session = await self.session()
        sending = [
            self._send_part(session, part, repeatable=repeatable)
            for part in parts(operations, session.limits)
        ]
        answers: dict[Call, Mapping[str, Any] | JmapError] = {}
        for part in await all_of(sending):
            answers |= part
        results = Results(answers)
        return [operation.read(results) for operation in operations]

    async def perform_in_turn(
        self, first: Sequence[Operation[A]], then: Sequence[Operation[B]]
    ) -> tuple[list[A], list[B]]:
        """Send operations, and others that must not be carried out before them.

        They go in one request where that holds them all; else ``then`` waits for ``first``'s
        answers. All must be safe to repeat. Raises as :meth:`perform_all`.
        """
        together: list[Operation[Any]] = [*first, *then]
        if len(list(pack(together, (await self.session()).limits))) > 1:
            return await self.perform_all(first), await self.perform_all(then)
        answers = await self.perform_all(together)
        return answers[: len(first)], answers[len(first) :]

    async def _send_part(
        self, session: Session, operations: Sequence[Operation[Any]], *, repeatable: bool
    ) -> Answers:
        """Send operations that fit into one request, and again what of them is put off."""
        try:
            answers = await self._send(session, request_of(operations), repeatable=repeatable)
        except RequestError as error:
            if not is_beyond_limits(error):
                raise
            fresh = await self.session()  # nothing was done, and the old one is forgotten
            if fresh.limits == session.limits:
                raise
            log.info("the server's limits have changed", limit=error.limit)
            return await self._send_cut(fresh, operations, repeatable=repeatable)
        return await self._send_again(session, operations, answers, repeatable=repeatable)

    async def _send_cut(
        self, session: Session, operations: Sequence[Operation[Any]], *, repeatable: bool
    ) -> Answers:
        """Send operations in several requests, one after the other, so that the order holds."""
        answers: Answers = {}
        for part in parts(operations, session.limits):
            request = request_of(part)
            answers = {**answers, **await self._send(session, request, repeatable=repeatable)}
        return answers

    async def _send_again(
        self,
        session: Session,
        operations: Sequence[Operation[Any]],
        answers: Answers,
        *,
        repeatable: bool,
    ) -> Answers:
        """Send what is put off until it is done, or it is enough."""
        attempt, waited = 1, 0.0
        while repetitions := put_off(operations, answers, repeatable=repeatable):
            rows = [repetition.row for repetition in repetitions]
            seconds = pause(rows, attempt=attempt, waited=waited)
            if seconds is None:
                break
            log.info("the server puts off a part of a request", calls=len(repetitions))
            await self._http.sleep(seconds)
            attempt, waited = attempt + 1, waited + seconds
            request = request_of([repetition.operation for repetition in repetitions])
            second = await self._send(session, request, repeatable=repeatable)
            for repetition in repetitions:
                answers = completed(answers, second, repetition)
        return answers

    async def _send(self, session: Session, request: Request, *, repeatable: bool) -> Answers:
        post = HttpRequest(
            "POST",
            session.api_url,
            _JSON,
            request.to_json(),
            repeatable,
            max_octets=request.max_octets,
        )
        try:
            body = await self._http.ask(post, _response_object)
        except UnexpectedStatusError as error:
            self.forget_session()
            raise problem(error) from None
        except UnreachableError as error:
            raise self._hinting(error) from None
        self._notice_state(body.get("sessionState"))
        return request.read(body["methodResponses"])

    def _hinting(self, error: UnreachableError) -> UnreachableError:
        """Return the error with a way to mend it, if only the session named that address."""
        if is_same_origin(error.url, self._session_url):
            return error
        cause = (
            f"{error.cause}; the session at {self._session_url.origin()} names this address. If"
            " a proxy stands before the server, set MAILROOM_JMAP_KEEP_ORIGIN=true"
        )
        return UnreachableError(error.url, cause, sent=error.sent)

    def _notice_state(self, state: object) -> None:
        """Have the session fetched anew once for every new sessionState (RFC 8620 section 3.4).

        Compared with the last response's state as well as with the session's own: a server whose
        two states never agree would else be asked for its session before every request.
        """
        if not isinstance(state, str) or state == self._last_state:
            return
        self._last_state = state
        if self._session is None or state != self._session.state:
            self.forget_session()


def _at_once(limit: int) -> int:
    """Return the number of requests to send at once, with one left to the owner's other programs.

    Servers count over all clients of an account. The one that is left serves a mail app, the
    handshake of push, or whatever else has just come.
    """
    return max(1, limit - 1)


def _session(response: Response) -> Session:
    return parse_session(response.json(), response.url)


def _response_object(response: Response) -> Mapping[str, Any]:
    """The Response object (RFC 8620 section 3.4).

    Raises:
        BrokenAnswerError: it is none.
    """
    body = response.json()
    if not isinstance(body, dict) or not isinstance(body.get("methodResponses"), list):
        raise BrokenAnswerError(response.url, "this is no JMAP response")
    return body
