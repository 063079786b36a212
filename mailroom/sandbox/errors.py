"""The errors that refuse a request, a method call, or one object of a ``/set``."""

from typing import Any, Final

_TITLES: Final = {
    "notJSON": "Request body did not parse as I-JSON",
    "notRequest": "JSON request body is not a JMAP Request object",
    "unknownCapability": "JMAP request uses unsupported capabilities",
    "limit": "JMAP request exceeds a server limit",
}
"""The titles that Cyrus sends."""


class Problem(Exception):  # noqa: N818 - RFC 7807 calls it a problem
    """A request-level error (RFC 8620 section 3.6.1).

    Attributes:
        status: the HTTP status.
        facts: the problem details (RFC 7807).
    """

    def __init__(
        self,
        type: str,  # noqa: A002 - RFC 7807's own word
        *,
        status: int = 400,
        limit: str = "",
        detail: str = "",
    ) -> None:
        super().__init__(type, limit, detail)
        self.status = status
        self.facts: dict[str, Any] = {
            "type": f"urn:ietf:params:jmap:error:{type}",
            "title": _TITLES[type],
            "status": status,
        }
        if limit:
            self.facts["limit"] = limit
        if detail:
            self.facts["detail"] = detail


class MethodFailure(Exception):  # noqa: N818 - JMAP calls it an error, Python code raises it
    """A method-level error (RFC 8620 section 3.6.2): ``["error", {"type": ..., facts}, id]``."""

    def __init__(self, type: str, **facts: Any) -> None:  # noqa: A002 - JMAP's own word
        super().__init__(type)
        self.type = type
        self.facts = facts


class RefusedError(Exception):
    """One object of a ``/set`` is refused.

    Attributes:
        error: the SetError (RFC 8620 section 5.3).
    """

    def __init__(self, type: str, *properties: str, **facts: str) -> None:  # noqa: A002 - JMAP's
        super().__init__(type, *properties)
        named = {"properties": list(properties)} if properties else {}
        self.error: dict[str, Any] = {"type": type, **named, **facts}
