"""The session resource (RFC 8620 section 2), with the URLs of requests, push and uploads."""

from typing import Any, Final

from mailroom.sandbox.dispatch import CORE, SESSION_STATE
from mailroom.sandbox.eventsource import close_after
from mailroom.sandbox.quirks import Limits
from mailroom.sandbox.sandbox_account import SandboxAccount

API: Final = "/jmap/"
EVENT_SOURCE: Final = "/jmap/eventsource/"
WEBSOCKET: Final = "/jmap/ws/"
UPLOAD: Final = "/jmap/upload/{accountId}/"
"""A URI template (RFC 6570), and a pattern of the server's routes."""

_WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"


def session(account: SandboxAccount, origin: str) -> dict[str, Any]:
    """Return the session of an account's user.

    Args:
        account: the account.
        origin: the scheme, host and port of the request.
    """
    quirks = account.quirks
    is_absolute = quirks.absolute_urls or bool(quirks.serving.origin)
    base = (quirks.serving.origin or origin) if is_absolute else ""
    template = f"?types={{types}}&{close_after(quirks.pushing)}={{closeafter}}&ping={{ping}}"
    facts = account.capabilities()
    capabilities: dict[str, Any] = {uri: {} for uri in facts}
    capabilities[CORE] = _core(quirks.limits)
    if quirks.websocket:
        # A Cyrus with relative URLs knows neither its host nor its scheme, and sends wss:/jmap/ws/.
        socket_base = base.replace("http", "ws", 1) if is_absolute else "wss:"
        capabilities[_WEBSOCKET] = {"url": socket_base + WEBSOCKET, "supportsPush": True}
    return {
        "username": account.user.name,
        "apiUrl": base + API,
        "downloadUrl": base + "/jmap/download/{accountId}/{blobId}/{name}?accept={type}",
        "uploadUrl": base + UPLOAD,
        "eventSourceUrl": base + EVENT_SOURCE + (template if quirks.event_source_template else ""),
        "state": SESSION_STATE,
        "capabilities": capabilities,
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


def _core(limits: Limits) -> dict[str, Any]:
    """Return the core capability."""
    return {
        "maxSizeUpload": limits.max_size_upload,
        "maxConcurrentUpload": limits.max_concurrent_requests,
        "maxSizeRequest": limits.max_size_request,
        "maxConcurrentRequests": limits.max_concurrent_requests,
        "maxCallsInRequest": limits.max_calls_in_request,
        "maxObjectsInGet": limits.max_objects_in_get,
        "maxObjectsInSet": limits.max_objects_in_set,
        "collationAlgorithms": [],
    }
