"""The spelling of uids. Pure."""

import re
from typing import Final

_UID_PREFIX: Final = "urn:uuid:"
_UUID: Final = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def bare_uid(text: str) -> str:
    """Return a uid without ``urn:uuid:`` and without the quotes that some servers add."""
    uid = text.strip().strip('"')
    while uid[: len(_UID_PREFIX)].lower() == _UID_PREFIX:
        uid = uid[len(_UID_PREFIX) :].strip('"')
    return uid


def uid_key(text: str) -> str:
    """Return a uid in the spelling in which uids are compared.

    A UUID is the same in capitals, in braces and behind ``urn:uuid:`` (RFC 9562 section 4).
    """
    uid = bare_uid(text)
    uuid = bare_uid(uid[1:-1]) if uid[:1] == "{" and uid[-1:] == "}" else uid
    return uuid.lower() if _UUID.fullmatch(uuid) else uid
