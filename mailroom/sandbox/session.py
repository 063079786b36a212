"""The session resource (RFC 8620 section 2), with the addresses of everything."""

from typing import Any, Final

from mailroom.sandbox.dispatch import CORE, SESSION_STATE
from mailroom.sandbox.eventsource import close_after
from mailroom.sandbox.quirks import Limits
from mailroom.sandbox.sandbox_account import SandboxAccount

API: Final = "/jmap/"
EVENT_SOURCE: Final = "/jmap/eventsource/"
WEBSOCKET: Final = "/jmap/ws/"
DOWNLOAD: Final = "/jmap/download/"
UPLOAD: Final = "/jmap/upload/"

_WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"


def session(account: SandboxAccount, origin: str) -> dict[str, Any]:
    """The session of an account's user.

    Args:
        account: whose.
        origin: scheme, host and port that the client speaks to.
    """
    quirks = account.quirks
    origin = quirks.serving.origin or origin
    base = origin if quirks.absolute_urls or quirks.serving.origin else ""
    asked = f"?types={{types}}&{close_after(quirks.pushing)}={{closeafter}}&ping={{ping}}"
    query = asked if quirks.event_source_template else ""
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
                "isReadOnly": quirks.serving.is_read_only,
                "accountCapabilities": facts,
            }
        },
        "primaryAccounts": {uri: account.id for uri in facts if uri != CORE},
    }


def _capabilities(account: SandboxAccount, origin: str) -> dict[str, Any]:
    quirks = account.quirks
    facts: dict[str, Any] = {CORE: _core(quirks.limits), **account.capabilities()}
    if quirks.websocket:
        # Where its URLs are relative, Cyrus knows neither its host nor whether there is TLS.
        is_absolute = quirks.absolute_urls or bool(quirks.serving.origin)
        base = origin.replace("http", "ws", 1) if is_absolute else "wss:"
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
