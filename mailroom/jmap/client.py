"""The client of one JMAP account: keeps the session, and sends operations within the limits.

A part of a request that was answered with "not now" is repeated here, and a whole request in
:mod:`mailroom.http`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeVar, overload

import structlog
from yarl import URL

from mailroom.http import (
    HttpClient,
    HttpError,
    HttpRequest,
    RedirectError,
    UnexpectedStatusError,
    UnreachableError,
    is_same_origin,
)
from mailroom.jmap.answers import blob_id, response_object
from mailroom.jmap.errors import JmapError, RequestError, SessionError
from mailroom.jmap.postponed import Answers, completed, pause, put_off
from mailroom.jmap.problem_details import is_beyond_limits, problem
from mailroom.jmap.request import Call, Operation, Request, Results, pack, parts, request_of
from mailroom.jmap.session import (
    JMAP,
    Session,
    check_api_url,
    keeping_origin,
    parse_session,
    upload_url,
)
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
T = TypeVar("T")

_JSON: Final = {"Content-Type": "application/json", "Accept": JMAP}
_WELL_KNOWN: Final = "/.well-known/jmap"
_UPLOADED: Final = (HTTPStatus.OK, HTTPStatus.CREATED)
"""Servers answer 201 to an upload; RFC 8620 section 6.1 names no status."""


class JmapClient:
    """Sends requests to one JMAP server with one user's credentials.

    Args:
        http: sends the requests. Its slots follow the session's maxConcurrentRequests.
        session_url: the address of the session resource; if it has no path, the path is
            ``/.well-known/jmap`` (RFC 8620 section 2.2).
        keep_origin: True to use the scheme, host and port of ``session_url`` for all of the
            server's addresses, because a server behind a proxy may not know its own.
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

    @property
    def host(self) -> str:
        """The host of the server, in lower case."""
        return str(self._session_url.host).lower()

    async def session(self) -> Session:
        """Return the session; fetch it if there is none, or if a response said that it changed.

        Raises:
            HttpError: the session cannot be fetched.
            SessionError: the server points to an address that the credentials must not be sent to.
        """
        failures = self._failed_fetches
        async with self._discovering:
            if self._fetch_error is not None and self._failed_fetches > failures:
                # Another caller's fetch failed while we waited; a second one would fail as well.
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
            session = await self._http.ask(
                request, lambda response: parse_session(response.json(), response.url)
            )
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
        check_api_url(session, self._session_url, self._http.credentials.allowed_hosts)
        # Servers count the requests of all clients of an account. One request is left to a mail app
        # or the handshake of push.
        self._http.slots.resize(max(1, session.limits.max_concurrent_requests - 1))
        return session

    def server_now(self) -> datetime:
        """Return the server's time in UTC; our own time if the server has not sent a ``Date``."""
        return self._http.server_now()

    def forget_session(self) -> None:
        """Make the next request fetch the session anew, for example after a failure.

        A session that is being fetched at this moment may be out of date already, so it is fetched
        again as well.
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

        Operations in one request are carried out in order; those in different requests are not.

        Args:
            operations: the operations to send.
            repeatable: True if doing the operations twice is the same as doing them once.

        Returns:
            The result of each operation's ``read``.

        Raises:
            HttpError: the server cannot be reached, or its answer is not what HTTP promises.
            RequestError: the server refused a whole request.
            MethodError: the server refused a call.
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
        """Send the operations of ``first``, and carry out those of ``then`` after them.

        If one request holds all operations, they are sent in one request; else ``then`` is sent
        after the answers to ``first``. All operations must be safe to repeat. Raises as
        :meth:`perform_all`.
        """
        together: list[Operation[Any]] = [*first, *then]
        if len(list(pack(together, (await self.session()).limits))) > 1:
            return await self.perform_all(first), await self.perform_all(then)
        answers = await self.perform_all(together)
        return answers[: len(first)], answers[len(first) :]

    async def upload_url(self, account_id: str) -> URL:
        """Return the address to which data of an account is uploaded.

        Raises:
            HttpError: the session cannot be fetched.
            SessionError: the server names no address for uploads that credentials may be sent to.
        """
        return upload_url(await self.session(), account_id, self._http.credentials.allowed_hosts)

    async def upload(self, account_id: str, data: bytes, media_type: str) -> str:
        """Upload data of an account, and return its blob id (RFC 8620 section 6.1).

        The server drops the data after some hours if nothing refers to it.

        Raises:
            HttpError: the server cannot be asked.
            RequestError: the server refuses the data.
            SessionError: the server names no address for uploads that credentials may be sent to.
        """
        url = await self.upload_url(account_id)
        headers = {"Content-Type": media_type, "Accept": JMAP}
        try:
            return await self._http.ask(
                HttpRequest("POST", url, headers, data, expected=_UPLOADED), blob_id
            )
        except UnexpectedStatusError as error:
            self.forget_session()
            raise problem(error) from None

    async def _send_part(
        self, session: Session, operations: Sequence[Operation[Any]], *, repeatable: bool
    ) -> Answers:
        """Send operations that fit into one request, and repeat those that are put off."""
        try:
            answers = await self._send(session, request_of(operations), repeatable=repeatable)
        except RequestError as error:
            if not is_beyond_limits(error):
                raise
            fresh = await self.session()  # _send() has forgotten the old session
            if fresh.limits == session.limits:
                raise
            log.info("the server's limits have changed", limit=error.limit)
            answers = {}
            for part in parts(operations, fresh.limits):
                # One request after the other, so that the order of the operations holds.
                some_answers = await self._send(fresh, request_of(part), repeatable=repeatable)
                answers = {**answers, **some_answers}
            return answers
        return await self._send_again(session, operations, answers, repeatable=repeatable)

    async def _send_again(
        self,
        session: Session,
        operations: Sequence[Operation[Any]],
        answers: Answers,
        *,
        repeatable: bool,
    ) -> Answers:
        """Repeat the calls that are put off until all are done or the attempts are used up."""
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
            second_answers = await self._send(session, request, repeatable=repeatable)
            for repetition in repetitions:
                answers = completed(answers, second_answers, repetition)
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
            body = await self._http.ask(post, response_object)
        except UnexpectedStatusError as error:
            self.forget_session()
            raise problem(error) from None
        except UnreachableError as error:
            if is_same_origin(error.url, self._session_url):
                raise
            cause = (
                f"{error.cause}; the session at {self._session_url.origin()} names this address. If"
                " a proxy stands before the server, set MAILROOM_JMAP_KEEP_ORIGIN=true"
            )
            raise UnreachableError(error.url, cause, sent=error.sent) from None
        # A new sessionState means that the session has changed (RFC 8620 section 3.4). A state that
        # the last response had as well is not new. Without this check, a server whose responses
        # never name the state of its session would be asked for the session before every request.
        state = body.get("sessionState")
        if isinstance(state, str) and state != self._last_state:
            self._last_state = state
            if self._session is None or state != self._session.state:
                self.forget_session()
        return request.read(body["methodResponses"])
