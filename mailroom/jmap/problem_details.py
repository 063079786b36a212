"""Problem details of whole requests that were refused (RFC 8620 section 3.6.1). Pure."""

import json

from mailroom.http import UnexpectedStatusError
from mailroom.http.not_now import Action, of_limit
from mailroom.jmap.errors import PROBLEM, JmapError, RequestError


def problem(error: UnexpectedStatusError) -> JmapError | UnexpectedStatusError:
    """Return the JMAP error if the body is problem details; else return ``error`` itself."""
    try:
        facts = json.loads(error.body)
    except (ValueError, RecursionError):
        return error
    if not isinstance(facts, dict) or not str(facts.get("type", "")).startswith(PROBLEM):
        return error
    return RequestError.parse(facts)


def is_beyond_limits(error: RequestError) -> bool:
    """Return True if the request exceeded a limit that the session states.

    Requests are made to fit the limits, so this means that the limits have changed.
    """
    row = of_limit(error.limit) if error.type == "limit" else None
    return row is not None and row.action is Action.SPLIT
