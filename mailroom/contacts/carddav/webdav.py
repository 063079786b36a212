"""The XML of WebDAV (RFC 4918) and CardDAV (RFC 6352): what is sent, and what comes back.

What comes back may hold a card that is broken in a way XML cannot carry (a control character,
bytes that are no UTF-8), and servers put it in as it stands. Such characters are replaced, for the
one card must not make all the others unreadable; see :data:`REPLACEMENT`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from yarl import URL

from mailroom.contacts.book import AddressBookError
from mailroom.http import BrokenAnswerError, Response

_DAV: Final = "{DAV:}"
_CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"

RESOURCE_TYPE: Final = _DAV + "resourcetype"
DISPLAY_NAME: Final = _DAV + "displayname"
CURRENT_USER_PRINCIPAL: Final = _DAV + "current-user-principal"
PRIVILEGES: Final = _DAV + "current-user-privilege-set"
ETAG: Final = _DAV + "getetag"
LENGTH: Final = _DAV + "getcontentlength"
SYNC_TOKEN: Final = _DAV + "sync-token"
SYNC_COLLECTION: Final = _DAV + "sync-collection"
REPORTS: Final = _DAV + "supported-report-set"
COLLECTION_TAG: Final = "{http://calendarserver.org/ns/}getctag"
HOME_SET: Final = _CARDDAV + "addressbook-home-set"
ADDRESS_BOOK: Final = _CARDDAV + "addressbook"
ADDRESS_DATA: Final = _CARDDAV + "address-data"
NO_UID_CONFLICT: Final = _CARDDAV + "no-uid-conflict"

REPLACEMENT: Final = "\ufffd"
"""Stands for what could not be carried: text that holds it may not be what the server has."""

ANSWERS: Final = (
    frozenset(range(200, 300)) | frozenset(range(400, 500)) | {501, 505, 507, 508}
) - {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""The statuses by which a server judges one request, as against what concerns all of them."""

_IN_BRIEF: Final = ("VERSION", "UID", "EMAIL", "KIND", "X-ADDRESSBOOKSERVER-KIND")
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_URL_CHARACTERS: Final = "%/:?#[]@!$&'()*+,;=~"
_LONGEST_EXPLANATION: Final = 200


@dataclass(frozen=True, slots=True)
class Item:
    """What a multistatus (RFC 4918 section 13) says of one resource.

    Attributes:
        url: of the resource; in the same origin as the answer.
        status: of the resource as a whole; 200 where only its properties have one.
        properties: those that were found, by name.
    """

    url: URL
    status: int
    properties: Mapping[str, ET.Element]

    def text(self, name: str) -> str:
        """The text of a property; empty where it is not there."""
        element = self.properties.get(name)
        return "" if element is None else "".join(element.itertext())

    def urls(self, name: str) -> list[URL]:
        """The URLs that a property holds."""
        element = self.properties.get(name)
        hrefs = [] if element is None else element.iter(_DAV + "href")
        return [resolve(self.url, href.text or "") for href in hrefs]

    def children(self, name: str) -> frozenset[str] | None:
        """The names of the elements in a property, at any depth; None if it is not there."""
        element = self.properties.get(name)
        return None if element is None else frozenset(each.tag for each in element.iter())


@dataclass(frozen=True, slots=True)
class Multistatus:
    """A 207: what it says of resources, and the token of a synchronisation; empty if none."""

    items: tuple[Item, ...]
    sync_token: str = ""


def propfind(names: Iterable[str]) -> bytes:
    """The body of a PROPFIND for some properties."""
    root = ET.Element(_DAV + "propfind")
    _ask_for(root, names)
    return _serialize(root)


def sync_collection(token: str, *, limit: int, whole: bool) -> bytes:
    """The body of a REPORT (RFC 6578 section 3.2) for what has changed since ``token``.

    ``limit`` is how many resources an answer is to tell of, ``whole`` as in :func:`multiget`.
    """
    root = ET.Element(SYNC_COLLECTION)
    ET.SubElement(root, SYNC_TOKEN).text = token
    ET.SubElement(root, _DAV + "sync-level").text = "1"
    results = ET.SubElement(ET.SubElement(root, _DAV + "limit"), _DAV + "nresults")
    results.text = str(limit)
    _ask_for_cards(root, whole=whole)
    return _serialize(root)


def multiget(paths: Iterable[str], *, whole: bool) -> bytes:
    """The body of a REPORT (RFC 6352 section 8.7) for certain cards.

    Without ``whole`` only what tells cards apart is asked for (section 10.4): photos are large.
    Not every server gives so little.
    """
    root = ET.Element(_CARDDAV + "addressbook-multiget")
    _ask_for_cards(root, whole=whole)
    for path in paths:
        ET.SubElement(root, _DAV + "href").text = path
    return _serialize(root)


def parse_multistatus(response: Response) -> Multistatus:
    """Read a 207.

    Raises:
        BrokenAnswerError: it is no multistatus.
        AddressBookError: it names resources of another origin.
    """
    root = _parse(response.body)
    if root is None or root.tag != _DAV + "multistatus":
        raise BrokenAnswerError(response.url, "no WebDAV multistatus")
    items = tuple(
        Item(
            resolve(response.url, element.findtext(_DAV + "href", "")),
            _status(element) or HTTPStatus.OK,
            dict(_found_properties(element)),
        )
        for element in root.iter(_DAV + "response")
    )
    return Multistatus(items, root.findtext(SYNC_TOKEN, "").strip())


def explanation(body: bytes) -> str:
    """What a server says about its refusal (RFC 4918 section 16), for a person; often nothing."""
    root = _parse(body)
    if root is None or root.tag != _DAV + "error":
        return ""
    names = (each.tag.rpartition("}")[2] for each in root if each.tag.rpartition("}")[2])
    description = root.findtext(_DAV + "responsedescription", "").strip()
    words = [name for name in names if name != "responsedescription"]
    return ": ".join(filter(None, [", ".join(words), description]))[:_LONGEST_EXPLANATION]


def conflicting_url(response: Response) -> URL | None:
    """The resource that has the same uid already (RFC 6352 section 6.3.2.1), if that is said."""
    root = _parse(response.body)
    conflict = None if root is None else root.find(NO_UID_CONFLICT)
    href = None if conflict is None else conflict.findtext(_DAV + "href")
    return resolve(response.url, href) if href else None


def resolve(base: URL, href: str) -> URL:
    """The URL of an href, as the server wrote it.

    Raises:
        AddressBookError: it is in another origin, where credentials must not go.
    """
    if REPLACEMENT in href:
        raise BrokenAnswerError(base, "a resource without a usable address")
    try:
        url = base.join(URL(quote(href.strip(), safe=_URL_CHARACTERS), encoded=True))
        same_origin = _origin(url) == _origin(base)
    except ValueError:
        raise BrokenAnswerError(base, "a resource without a usable address") from None
    if not same_origin:
        raise AddressBookError(
            f"{base.origin()} points to {url.with_query(None)}, which is another server, and"
            " credentials are not sent there. If it is the right one, set the CardDAV URL to it"
        )
    return at_path(base, url.raw_path)


def at_path(base: URL, path: str) -> URL:
    """The URL of an encoded path in the origin of ``base``; ``//x`` is no host but a path, too."""
    return base.origin().with_path(path, encoded=True)


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, (url.host or "").lower(), url.port


def _ask_for(root: ET.Element, names: Iterable[str]) -> None:
    properties = ET.SubElement(root, _DAV + "prop")
    for name in names:
        ET.SubElement(properties, name)


def _ask_for_cards(root: ET.Element, *, whole: bool) -> None:
    _ask_for(root, (ETAG, LENGTH, ADDRESS_DATA))
    data = root.find(f"{_DAV}prop/{ADDRESS_DATA}")
    if data is not None and not whole:
        for name in _IN_BRIEF:
            ET.SubElement(data, _CARDDAV + "prop", name=name)


def _serialize(root: ET.Element) -> bytes:
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


class _NoDoctype(ET.TreeBuilder):
    """No answer of WebDAV needs a DTD, and all attacks by entities do."""

    def doctype(self, name: str, public_id: str | None, system: str | None) -> None:
        raise ET.ParseError(f"DTD {name} {public_id} {system}")


def _parse(body: bytes) -> ET.Element | None:
    text = _NOT_XML.sub(REPLACEMENT, body.decode("utf-8-sig", "replace"))
    parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - entities need a DTD, refused above
    try:
        parser.feed(text)
        root = parser.close()
    except ET.ParseError:
        return None
    return root if isinstance(root, ET.Element) else None


def _found_properties(element: ET.Element) -> Iterator[tuple[str, ET.Element]]:
    for propstat in element.iter(_DAV + "propstat"):
        if _status(propstat) == HTTPStatus.OK:
            for each in propstat.findall(f"{_DAV}prop/*"):
                yield each.tag, each


def _status(element: ET.Element) -> int | None:
    words = element.findtext(_DAV + "status", "").split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else None


def chunks(values: Collection[str], size: int) -> list[list[str]]:
    """Cut into lists of at most ``size``."""
    listed = list(values)
    return [listed[start : start + size] for start in range(0, len(listed), size)]
