"""The session resource (RFC 8620 section 2), with the addresses of everything."""

from typing import Any, Final

from mailroom.sandbox.account import Account
from mailroom.sandbox.dispatch import CORE, SESSION_STATE
from mailroom.sandbox.quirks import Limits

API: Final = "/jmap/"
EVENT_SOURCE: Final = "/jmap/eventsource/"
WEBSOCKET: Final = "/jmap/ws/"
DOWNLOAD: Final = "/jmap/download/"
UPLOAD: Final = "/jmap/upload/"

_WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"
_EVENT_SOURCE_QUERY: Final = "?types={types}&closeafter={closeafter}&ping={ping}"


def session(account: Account, origin: str) -> dict[str, Any]:
    """The session of an account's user.

    Args:
        account: whose.
        origin: scheme, host and port that the client speaks to.
    """
    quirks = account.quirks
    base = origin if quirks.absolute_urls else ""
    query = _EVENT_SOURCE_QUERY if quirks.event_source_template else ""
    facts = account.account_capabilities()
    return {
        "username": account.user.name,
        "apiUrl": base + API,
        "downloadUrl": base + DOWNLOAD + "{accountId}/{blobId}/{name}?accept={type}",
        "uploadUrl": base + UPLOAD + "{accountId}/",
        "eventSourceUrl": base + EVENT_SOURCE + query,
        "state": SESSION_STATE,
        "capabilities": _capabilities(account, origin),
        "accounts": {
            account.id: {
                "name": account.user.name,
                "isPersonal": True,
                "isReadOnly": False,
                "accountCapabilities": facts,
            }
        },
        "primaryAccounts": {uri: account.id for uri in facts if uri != CORE},
    }


def _capabilities(account: Account, origin: str) -> dict[str, Any]:
    quirks = account.quirks
    facts: dict[str, Any] = {CORE: _core(quirks.limits), **account.capabilities()}
    if quirks.websocket:
        # Where its URLs are relative, Cyrus knows neither its host nor whether there is TLS.
        base = origin.replace("http", "ws", 1) if quirks.absolute_urls else "wss:"
        facts[_WEBSOCKET] = {"url": base + WEBSOCKET, "supportsPush": True}
    return facts


def _core(limits: Limits) -> dict[str, Any]:
    """The core capability. There is no uploading, hence the zeros."""
    return {
        "maxSizeUpload": 0,
        "maxConcurrentUpload": 0,
        "maxSizeRequest": limits.max_size_request,
        "maxConcurrentRequests": limits.max_concurrent_requests,
        "maxCallsInRequest": limits.max_calls_in_request,
        "maxObjectsInGet": limits.max_objects_in_get,
        "maxObjectsInSet": limits.max_objects_in_set,
        "collationAlgorithms": [],
    }
