"""The errors for statuses that the caller did not expect. Pure."""

import json
import re
from collections.abc import Collection
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from mailroom.http.challenges import schemes
from mailroom.http.errors import (
    CredentialsRefusedError,
    IntermediaryError,
    ServerFailureError,
    UnexpectedStatusError,
)
from mailroom.http.messages import Response
from mailroom.http.not_now import Action
from mailroom.http.pages import plain
from mailroom.http.retry import parse_retry_after

_LIMIT: Final = "urn:ietf:params:jmap:error:limit"
_BODY_KEPT_IN_ERROR: Final = 64 * 1024
"""Octets: enough for any problem details (RFC 9457), which may quote the request."""
_SAYING: Final = ("title", "detail", "message", "error")
"""Members with words for people: those of problem details, and the names that gateways use."""
_DETAILS: Final = frozenset({"type", "title"})
"""Members of problem details (RFC 9457 section 3.1), of which servers send at least one."""
_DAV_ERROR: Final = re.compile(rb"<(?:[\w.-]+:)?error\b[^>]*[\"']DAV:[\"']")


def raise_for_status(response: Response, expected: Collection[int]) -> None:
    """Raise the error for a status that is not expected.

    If the "not now" table says to wait and repeat (423, 429, problem ``limit``), the error is
    raised for an expected status as well.

    Raises:
        ServerFailureError: the server says "not now": 408, 423, 425, 429, 5xx, problem ``limit``.
        CredentialsRefusedError: 401, and 403 if the server itself sent it.
        IntermediaryError: 403 from something in between.
        UnexpectedStatusError: any other status.
    """
    status = response.status
    problem = _json_object(response.body) if status >= HTTPStatus.BAD_REQUEST else None
    is_limit = problem is not None and problem.get("type") == _LIMIT
    limit = str((problem or {}).get("limit") or "") if is_limit else None
    asked_at = response.date or datetime.now(UTC)
    wait = parse_retry_after(response.headers.get("Retry-After"), now=asked_at)
    failure = ServerFailureError(response.url, status, wait, limit)
    action = failure.row.action if failure.row else None
    if action is Action.WAIT or (action is Action.RETRY and status not in expected):
        raise failure
    if status in expected:
        return
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise refusal(response)
    raise UnexpectedStatusError(response.url, status, response.body[:_BODY_KEPT_IN_ERROR])


def refusal(response: Response) -> CredentialsRefusedError | IntermediaryError:
    """Return the error for a 401 or 403.

    A 403 is about rights only if the server itself wrote it: with problem details, ``DAV:error`` or
    a challenge. Filters and proxies write pages, plain text and JSON of their own.
    """
    wanted = schemes(response.headers)
    problem, page = _json_object(response.body), response.intermediary
    if problem is not None:
        said = (str(problem.get(name) or "") for name in _SAYING)
        words = plain(": ".join(dict.fromkeys(filter(None, said))))
    elif page is not None:
        words = page.what
    else:
        words = plain(response.body[:_BODY_KEPT_IN_ERROR].decode("utf-8", "replace"))
    if response.status == HTTPStatus.UNAUTHORIZED or wanted or is_servers_own(response):
        return CredentialsRefusedError(response.url, response.status, words, wanted)
    return IntermediaryError(response.url, words, response.status)


def is_servers_own(response: Response) -> bool:
    """Return True if a refusal has the form of JMAP or WebDAV, so that the server itself wrote it.

    Cloudflare writes problem details as well, but marks them as its own.
    """
    problem = _json_object(response.body)
    if problem is not None:
        is_details = not _DETAILS.isdisjoint(problem)
        return is_details and not any(str(key).startswith("cloudflare") for key in problem)
    return _DAV_ERROR.search(response.body) is not None


def _json_object(body: bytes) -> dict[str, Any] | None:
    """Return the members of a JSON object, which may be problem details; None for other bodies."""
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        facts = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None
