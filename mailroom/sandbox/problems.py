"""The errors that refuse a whole request (RFC 8620 section 3.6.1), in the words of Cyrus."""

from typing import Any, Final

_TITLES: Final = {
    "notJSON": "Request body did not parse as I-JSON",
    "notRequest": "JSON request body is not a JMAP Request object",
    "unknownCapability": "JMAP request uses unsupported capabilities",
    "limit": "JMAP request exceeds a server limit",
}


class Problem(Exception):  # noqa: N818 - RFC 7807 calls it a problem
    """A request-level error.

    Attributes:
        status: HTTP's.
        facts: problem details (RFC 7807).
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
