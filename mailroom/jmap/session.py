"""The JMAP session resource (RFC 8620 section 2): a server's accounts, addresses and limits."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import quote

from yarl import URL

from mailroom.http import AllowedHosts, BrokenAnswerError, InsecureUrlError, shown, with_origin
from mailroom.jmap.errors import SessionError

CORE: Final = "urn:ietf:params:jmap:core"
MAIL: Final = "urn:ietf:params:jmap:mail"
SUBMISSION: Final = "urn:ietf:params:jmap:submission"
CONTACTS: Final = "urn:ietf:params:jmap:contacts"
WEBSOCKET: Final = "urn:ietf:params:jmap:websocket"

JMAP: Final = "application/json; jmapVersion=rfc-8621"
"""Sent as ``Accept`` with every request. Without it, Apache James 3.8 speaks a draft of JMAP."""
EVENT_STREAM: Final = "text/event-stream; jmapVersion=rfc-8621, text/event-stream"
"""Sent as ``Accept`` for an EventSource. Apache James reads only the first media type."""

_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ORIGIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#{]*")
_VARIABLE: Final = re.compile(r"\{[^}]*\}")
_WS_WITHOUT_HOST: Final = re.compile(r"(?i)wss?:(?!//[^/])/*")
_WS_SCHEMES: Final = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True)
class Limits:
    """The server's limits; the defaults are the minimums that RFC 8620 section 2 suggests.

    ``max_size_request`` is in octets; the others are numbers of requests, calls and objects.
    """

    max_size_request: int = 10_000_000
    max_concurrent_requests: int = 4
    max_calls_in_request: int = 16
    max_objects_in_get: int = 500
    max_objects_in_set: int = 500

    @classmethod
    def parse(cls, core: Mapping[str, Any]) -> Self:
        """Read the core capability; a limit that is not a positive number keeps its default."""

        def limit(name: str, default: int) -> int:
            value = core.get(name)
            # isinstance() would take True for a number.
            return value if type(value) is int and value > 0 else default

        return cls(
            max_size_request=limit("maxSizeRequest", cls().max_size_request),
            max_concurrent_requests=limit("maxConcurrentRequests", cls().max_concurrent_requests),
            max_calls_in_request=limit("maxCallsInRequest", cls().max_calls_in_request),
            max_objects_in_get=limit("maxObjectsInGet", cls().max_objects_in_get),
            max_objects_in_set=limit("maxObjectsInSet", cls().max_objects_in_set),
        )


@dataclass(frozen=True, slots=True)
class Session:
    """A session resource, its URLs made absolute.

    Attributes:
        api_url: the address for requests.
        event_source_template: an RFC 6570 template, absolute; empty if there is no EventSource.
        upload_template: an RFC 6570 template, absolute, for the upload of data (section 6.1);
            empty if the server does not offer it.
        websocket_url: the address for push over WebSocket (RFC 8887), ``ws`` or ``wss``; None if
            the server does not offer it.
        username: the user of the credentials.
        capabilities: URI -> the server's capability object.
        accounts: account id -> its capabilities' URIs.
        read_only_accounts: ids of the accounts that the credentials may only read (``isReadOnly``).
        primary_accounts: capability URI -> account id.
        limits: the core limits.
        state: a string that changes whenever the session resource changes.
    """

    api_url: URL
    event_source_template: str
    upload_template: str
    websocket_url: URL | None
    username: str
    capabilities: Mapping[str, Any]
    accounts: Mapping[str, frozenset[str]]
    read_only_accounts: frozenset[str]
    primary_accounts: Mapping[str, str]
    limits: Limits
    state: str

    def account_for(self, capability: str, *, wanted: str = "") -> str:
        """Return the id of the account to use: ``wanted``; if that is empty, the primary account.

        Raises:
            SessionError: there is no such account, or it lacks the capability.
        """
        account_id = wanted or self._usual_account(capability)
        if account_id not in self.accounts:
            known = ", ".join(sorted(self.accounts)) or "none"
            which = f"account {account_id!r}" if account_id else "primary account"
            raise SessionError(
                f"the server offers no {which} for {capability} (accounts: {known});"
                " do the credentials allow access to mail?"
            )
        if capability not in self.accounts[account_id]:
            raise SessionError(f"account {account_id!r} lacks {capability}")
        return account_id

    def find_account_for(self, capability: str, *, preferred: str = "") -> str:
        """Return the id of an account with a capability; empty if there is none.

        It is the preferred account if that has the capability, else the primary account.
        """
        for account_id in (preferred, self._usual_account(capability)):
            if capability in self.accounts.get(account_id, ()):
                return account_id
        return ""

    def _usual_account(self, capability: str) -> str:
        """Return the primary account; if none is named, the only account of the session."""
        if capability in self.primary_accounts or len(self.accounts) != 1:
            return self.primary_accounts.get(capability, "")
        return next(iter(self.accounts))


def parse_session(body: Any, url: URL) -> Session:
    """Read a session resource that came from ``url`` (after redirects).

    URLs may be relative (Cyrus); they are resolved against ``url``.

    Raises:
        BrokenAnswerError: the body is not a session resource.
    """
    try:
        capabilities = body["capabilities"]
        core = capabilities.get(CORE) or {}
        return Session(
            api_url=_join(url, body["apiUrl"]),
            event_source_template=_join_template(url, body.get("eventSourceUrl") or ""),
            upload_template=_join_template(url, body.get("uploadUrl") or ""),
            websocket_url=_push_url(url, capabilities.get(WEBSOCKET)),
            username=str(body.get("username") or ""),
            capabilities=capabilities,
            accounts={
                str(account_id): frozenset(account.get("accountCapabilities") or ())
                for account_id, account in body["accounts"].items()
            },
            read_only_accounts=frozenset(
                str(account_id)
                for account_id, account in body["accounts"].items()
                if account.get("isReadOnly") is True
            ),
            primary_accounts={
                str(uri): str(account_id)
                for uri, account_id in (body.get("primaryAccounts") or {}).items()
            },
            limits=Limits.parse(core),
            state=str(body.get("state", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BrokenAnswerError(url, "this is not a JMAP session resource") from None


def keeping_origin(session: Session, origin: URL) -> Session:
    """Return the session with every URL moved to the scheme, host and port of ``origin``."""
    websocket = session.websocket_url
    if websocket is not None:
        websocket = with_origin(websocket, origin.with_scheme(_WS_SCHEMES[origin.scheme]))

    def moved(template: str) -> str:
        return _ORIGIN.sub(str(origin.origin()), template, count=1)

    return replace(
        session,
        api_url=with_origin(session.api_url, origin),
        event_source_template=moved(session.event_source_template),
        upload_template=moved(session.upload_template),
        websocket_url=websocket,
    )


def check_api_url(session: Session, session_url: URL, allowed_hosts: AllowedHosts) -> None:
    """Raise an error unless the credentials may be sent to the session's API.

    Raises:
        SessionError: the credentials must not be sent to the address that the server names.
    """
    try:
        allowed_hosts.check(session.api_url)
    except InsecureUrlError:
        raise SessionError(
            f"the server at {session_url.origin()} says that its API is at"
            f" {shown(session.api_url)}. Credentials go only to the host that is configured, and"
            " only over https. If that address is right, configure it as"
            " MAILROOM_JMAP_SESSION_URL; if a proxy stands before the server, set"
            " MAILROOM_JMAP_KEEP_ORIGIN=true"
        ) from None


def upload_url(session: Session, account_id: str, allowed_hosts: AllowedHosts) -> URL:
    """Return the address to which data of an account is uploaded (RFC 8620 section 6.1).

    Raises:
        SessionError: the server names no address, or one that the credentials must not be sent to.
    """
    if not session.upload_template:
        raise SessionError("the server does not say where data can be uploaded (uploadUrl)")
    try:
        url = URL(_VARIABLE.sub(quote(account_id, safe=""), session.upload_template), encoded=True)
        allowed_hosts.check(url)
    except (ValueError, InsecureUrlError):
        raise SessionError(
            f"the server says that data is uploaded to {session.upload_template}, but credentials"
            " must not be sent there. If a proxy stands before the server, set"
            " MAILROOM_JMAP_KEEP_ORIGIN=true"
        ) from None
    return url


def push_url_warnings(session: Session, allowed_hosts: AllowedHosts) -> Iterator[str]:
    """Yield a warning for each push address that the credentials must not be sent to."""
    urls = [session.websocket_url]
    with suppress(ValueError):
        urls.append(URL(_VARIABLE.sub("", session.event_source_template)))
    for url in urls:
        if url is not None and url.host and not allowed_hosts.allows(url):
            yield (
                f"the server says that push is at {shown(url)}, but credentials must not be sent"
                " there. If a proxy stands before the server, set MAILROOM_JMAP_KEEP_ORIGIN=true"
            )


def _join(base: URL, relative: str) -> URL:
    if not relative:
        raise ValueError
    return base.join(URL(relative))


def _join_template(base: URL, template: str) -> str:
    """Make a URL template absolute without touching its braces."""
    if not template or _ABSOLUTE.match(template):
        return template
    if template.startswith("//"):
        return f"{base.scheme}:{template}"
    origin = str(base.origin())
    if template.startswith("/"):
        return origin + template
    return origin + base.raw_path.rpartition("/")[0] + "/" + template


def _push_url(base: URL, capability: Any) -> URL | None:
    """Return the URL in the WebSocket capability (RFC 8887 section 3) if it supports push.

    Cyrus sends ``wss:/jmap/ws/``, even without TLS: if the URL has no host, its host and scheme are
    those of ``base``.
    """
    if not isinstance(capability, dict) or capability.get("supportsPush") is not True:
        return None
    try:
        url = _join(base, _WS_WITHOUT_HOST.sub("/", capability["url"]))
        return url.with_scheme(_WS_SCHEMES[url.scheme]).with_user(None).with_fragment(None)
    except (KeyError, TypeError, ValueError):
        return None
