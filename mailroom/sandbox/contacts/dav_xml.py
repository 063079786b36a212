"""The XML that the sandbox's CardDAV answers with (RFC 4918). Pure.

The answers are assembled as text, because a card may hold bytes that no XML library accepts; real
servers send them unchanged.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from aiohttp import web

DAV: Final = "{DAV:}"
CALENDAR_SERVER: Final = "{http://calendarserver.org/ns/}"
_PREFIXES: Final = {
    "{DAV:}": "d:",
    "{urn:ietf:params:xml:ns:carddav}": "c:",
    CALENDAR_SERVER: "s:",
}
_NAMESPACES: Final = " ".join(
    f'xmlns:{prefix.strip(":")}="{uri.strip("{}")}"' for uri, prefix in _PREFIXES.items()
)


def parse(body: bytes) -> ET.Element | None:
    """Return the root of a request's body; None if the body is not XML."""
    try:
        return ET.fromstring(body)  # noqa: S314 - only its owner sends requests to the sandbox
    except ET.ParseError:
        return None


def requested(root: ET.Element | None) -> list[str]:
    """Return the names of the properties that a request asks for."""
    prop = None if root is None else root.find(f"{DAV}prop")
    return [] if prop is None else [child.tag for child in prop]


def href(path: str) -> str:
    """Return an href element."""
    return f"<d:href>{escape(path)}</d:href>"


def response(path: str, names: Iterable[str], properties: Mapping[str, str]) -> str:
    """Return the response for one resource: its properties of these names, a 404 for the rest."""
    names = list(names)
    present = [_element(name, properties[name]) for name in names if name in properties]
    missing = [_element(name, "") for name in names if name not in properties]
    parts = [_propstat(present, "200 OK")] if present or not missing else []
    parts += [_propstat(missing, "404 Not Found")] if missing else []
    return f"<d:response>{href(path)}{''.join(parts)}</d:response>"


def status_only(path: str, status: str) -> str:
    """Return the response for one resource with a status only."""
    return f"<d:response>{href(path)}<d:status>HTTP/1.1 {status}</d:status></d:response>"


def multistatus(responses: Iterable[str], *, sync_token: str = "") -> web.Response:
    """Return a 207 Multi-Status."""
    token = f"<d:sync-token>{sync_token}</d:sync-token>" if sync_token else ""
    text = f"<d:multistatus {_NAMESPACES}>{''.join(responses)}{token}</d:multistatus>"
    return _xml(207, text)


def refusal(status: int, condition: str) -> web.Response:
    """Return an error with its precondition (RFC 4918 section 16)."""
    return _xml(status, f"<d:error {_NAMESPACES}>{condition}</d:error>")


def _propstat(elements: Iterable[str], status: str) -> str:
    return (
        f"<d:propstat><d:prop>{''.join(elements)}</d:prop>"
        f"<d:status>HTTP/1.1 {status}</d:status></d:propstat>"
    )


def _element(name: str, content: str) -> str:
    for namespace, prefix in _PREFIXES.items():
        if name.startswith(namespace):
            tag = prefix + name.removeprefix(namespace)
            return f"<{tag}>{content}</{tag}>"
    namespace, _, local = name.removeprefix("{").rpartition("}")
    return f'<x:{local} xmlns:x="{escape(namespace, {chr(34): "&quot;"})}"/>'


def _xml(status: int, text: str) -> web.Response:
    body = f'<?xml version="1.0" encoding="utf-8"?>\n{text}'.encode("utf-8", "surrogateescape")
    return web.Response(
        status=status, body=body, headers={"Content-Type": "application/xml; charset=utf-8"}
    )
