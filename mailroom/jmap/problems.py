"""Problem details of whole requests that were refused (RFC 8620 section 3.6.1). Pure."""

import json
from typing import Final

from mailroom.http import UnexpectedStatusError
from mailroom.http.not_now import Action, of_limit
from mailroom.jmap.errors import JmapError, RequestError

_PROBLEM: Final = "urn:ietf:params:jmap:error:"
_LONGEST_PROBLEM: Final = 300


def problem(error: UnexpectedStatusError) -> JmapError | UnexpectedStatusError:
    """Return the JMAP error if the body is problem details; else return ``error`` itself."""
    try:
        facts = json.loads(error.body)
    except (ValueError, RecursionError):
        return error
    if not isinstance(facts, dict) or not str(facts.get("type", "")).startswith(_PROBLEM):
        return error
    return RequestError(
        type=str(facts["type"]).removeprefix(_PROBLEM),
        limit=str(facts.get("limit") or ""),
        detail=str(facts.get("detail") or "")[:_LONGEST_PROBLEM],
    )


def is_beyond_limits(error: RequestError) -> bool:
    """Return True if the request exceeded a limit, so that the session's limits have changed."""
    row = of_limit(error.limit) if error.type == "limit" else None
    return row is not None and row.action is Action.SPLIT
