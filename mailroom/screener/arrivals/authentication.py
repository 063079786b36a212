"""What the user's own mail server found out about a mail's From (RFC 8601). Pure.

Anybody can write an Authentication-Results field into a mail. One that bears our server's name
(its authserv-id) is believed, but only the topmost such: servers put theirs on top.
"""

import re
from collections.abc import Iterable
from typing import Final

from authres import (  # type: ignore[import-untyped]  # has no annotations
    AuthenticationResultsHeader,
    AuthResError,
)

_NAME: Final = "Authentication-Results:"
_LONGEST: Final = 16_384
"""Characters. What is longer was not written by a server that is to be trusted."""
_AUTHSERV_ID: Final = re.compile(r"\s*([A-Za-z0-9._-]+)")
_SAYS_FAIL: Final = re.compile(r"(?i);\s*dmarc\s*=\s*fail\b")
_WHOLE_DOMAIN: Final = "*."


def fails_dmarc(fields: Iterable[str], authserv_id: str) -> bool:
    """Whether the server says that the From is not by whom it names (``dmarc=fail``, RFC 7489).

    Args:
        fields: the raw value of every Authentication-Results field, the topmost first.
        authserv_id: the server's name; ``*.example.com`` is any host of a domain; empty: none is
            believed.
    """
    if not authserv_id:
        return False
    return next((_fails(each) for each in fields if _is_by(_server(each), authserv_id)), False)


def _server(field: str) -> str:
    """The authserv-id, which comes first; empty if there is none."""
    found = _AUTHSERV_ID.match(field)
    return "" if found is None or len(field) > _LONGEST else found[1]


def _fails(field: str) -> bool:
    """Servers may put in what the sender said (HELO, say) as it stands, which must hide nothing."""
    if _SAYS_FAIL.search(field):
        return True
    try:
        header = AuthenticationResultsHeader.parse(f"{_NAME} {field.strip()}")
    except (AuthResError, RecursionError):  # comments may be nested as deep as one likes
        return False
    return any((each.method, each.result) == ("dmarc", "fail") for each in header.results or ())


def _is_by(found: str, expected: str) -> bool:
    found, expected = found.lower(), expected.lower()
    if expected.startswith(_WHOLE_DOMAIN):
        return found.endswith(expected.removeprefix("*"))
    return found == expected
