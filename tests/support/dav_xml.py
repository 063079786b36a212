"""The XML of :mod:`tests.support.dav_server`, put together as text."""

from xml.sax.saxutils import escape

from aiohttp import web

PRINCIPAL = "/dav/principals/ann/"


def multistatus(responses: str) -> web.Response:
    """A 207; bytes that are no UTF-8 may stand in it as lone surrogates."""
    text = (
        '<?xml version="1.0" encoding="utf-8"?><d:multistatus xmlns:d="DAV:" '
        f'xmlns:c="urn:ietf:params:xml:ns:carddav">{responses}</d:multistatus>'
    )
    return web.Response(
        status=207,
        body=text.encode("utf-8", "surrogateescape"),
        content_type="application/xml",
    )


def dav_error(status: int, condition: str) -> web.Response:
    """A refusal with a reason (RFC 4918 section 16)."""
    return web.Response(
        status=status,
        text='<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">'
        f"{condition}</d:error>",
    )


def judgement(path: str, status: str) -> str:
    """What is said of a resource as a whole (RFC 4918 section 14.24)."""
    return f"<d:response>{href(path)}<d:status>HTTP/1.1 {status}</d:status></d:response>"


def href(path: str) -> str:
    return f"<d:href>{path}</d:href>"


def prop(name: str, content: str) -> str:
    tag = "c:addressbook-home-set" if name == "home" else f"d:{name}"
    return f"<{tag}>{content}</{tag}>"


def book(name: str, privileges: str | None = None, *, owner: str = "", shared: bool = False) -> str:
    """The properties of an address book."""
    granted = "" if privileges is None else prop("current-user-privilege-set", privileges)
    mark = '<s:shared xmlns:s="http://calendarserver.org/ns/"/>' if shared else ""
    kind = prop("resourcetype", f"<d:collection/><c:addressbook/>{mark}")
    owned = prop("owner", href(owner)) + prop("current-user-principal", href(PRINCIPAL))
    return kind + prop("displayname", name) + granted + (owned if owner else "")


def as_xml(card: bytes) -> str:
    """A card as most servers put it into XML: line ends as they are."""
    return escape(card.decode("utf-8", "surrogateescape"))
