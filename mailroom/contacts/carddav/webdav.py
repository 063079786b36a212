"""The XML of WebDAV (RFC 4918) and CardDAV (RFC 6352): requests and refusals.

Answers are read by :mod:`mailroom.contacts.carddav.multistatus`.
"""

from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Final
from xml.etree import ElementTree as ET

from yarl import URL

from mailroom.contacts.carddav.hrefs import resolve
from mailroom.contacts.model import AddressBookError
from mailroom.contacts.vcard.scan import INDEX_PROPERTIES
from mailroom.http import HttpRequest, Response
from mailroom.http.not_now import Action, of_precondition

DAV: Final = "{DAV:}"
_CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"

RESOURCE_TYPE: Final = DAV + "resourcetype"
DISPLAY_NAME: Final = DAV + "displayname"
OWNER: Final = DAV + "owner"
CURRENT_USER_PRINCIPAL: Final = DAV + "current-user-principal"
PRIVILEGES: Final = DAV + "current-user-privilege-set"
ETAG: Final = DAV + "getetag"
LENGTH: Final = DAV + "getcontentlength"
SYNC_TOKEN: Final = DAV + "sync-token"
SYNC_COLLECTION: Final = DAV + "sync-collection"
REPORTS: Final = DAV + "supported-report-set"
COLLECTION_TAG: Final = "{http://calendarserver.org/ns/}getctag"
SHARED: Final = frozenset({"{http://calendarserver.org/ns/}shared", DAV + "shared"})
HOME_SET: Final = _CARDDAV + "addressbook-home-set"
COLLECTION: Final = DAV + "collection"
ADDRESS_BOOK: Final = _CARDDAV + "addressbook"
ADDRESS_DATA: Final = _CARDDAV + "address-data"
NO_UID_CONFLICT: Final = _CARDDAV + "no-uid-conflict"

_XML: Final = "application/xml; charset=utf-8"

EXPECTED_STATUSES: Final = (
    frozenset(range(200, 300)) | frozenset(range(400, 500)) | {501, 505, 507, 508}
) - {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""The statuses that the caller of a request handles, because they concern this request only. For
all other statuses, :mod:`mailroom.http` repeats the request or raises an error."""

LISTED: Final = (ETAG, LENGTH, RESOURCE_TYPE)
"""The properties of each resource in a list of a collection."""

GONE: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_TEMPORARY: Final = GONE | {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.PRECONDITION_FAILED,
    HTTPStatus.LOCKED,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
"""The 4xx statuses after which the work may succeed later, for example because the resource was
changed in the meantime."""
_LASTING: Final = (
    frozenset(range(400, 500)) | {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.INSUFFICIENT_STORAGE}
) - _TEMPORARY
"""The statuses of a resource that the server refuses or has no room for. A retry does not help.
For an invalid card Radicale answers 400, and sabre/dav 415."""

_ABOUT_CARD: Final = frozenset(
    {"valid-address-data", "supported-address-data", "max-resource-size"}
)
"""The preconditions that a server names if the card itself is invalid or too large."""
_LONGEST_EXPLANATION: Final = 200


class AddressBookGoneError(AddressBookError):
    """The address book does not exist, or no longer exists."""


class RefusedError(AddressBookError):
    """The server refused one request.

    Args:
        text: the request that failed, in words: ``/book/ann.vcf cannot be changed``.
        response: the answer that refuses; None if the server answered, but left out something
            necessary, such as the sync-token.

    Attributes:
        status: the HTTP status of ``response``; None without a response.
        why: the server's explanation; empty if there is none.
    """

    def __init__(self, text: str, response: Response | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.status = None if response is None else response.status
        self.why = "" if response is None else explanation(response.body)
        self.is_lasting = self.status in _LASTING or self.is_about_card

    @property
    def is_about_card(self) -> bool:
        """True if the server finds the card itself invalid or too large (RFC 6352 section 6.3.2.1).

        Xandikos answers 412 to such a card, which otherwise means a failed ``If-Match``.
        """
        return not _ABOUT_CARD.isdisjoint(self.why.partition(":")[0].split(", "))

    def __str__(self) -> str:
        status = "" if self.status is None else str(self.status)
        with suppress(ValueError):  # Some servers use statuses that HTTPStatus does not know.
            status = f"{status} {HTTPStatus(self.status or 0).phrase}"
        details = ", ".join(filter(None, [status, self.why]))
        return f"{self.text} ({details})" if details else self.text


class SyncRefusedError(RefusedError):
    """The server does not offer ``sync-collection``, or refuses this token."""

    @property
    def is_stale(self) -> bool:
        """True if the server no longer knows the token, so that everything must be read anew."""
        rows = map(of_precondition, self.why.partition(":")[0].split(", "))
        return any(row is not None and row.action is Action.RESYNC for row in rows)


class TooManyError(RefusedError):
    """A query would find more cards than the server returns."""


def response_unless_page(response: Response) -> Response:
    """Return an answer that is from the address book server, and not a web page of a proxy.

    Raises:
        IntermediaryError: a web page came with a 403, as bot filters and firewalls send it. A web
            page with a 200 is left to the caller, who reads the resource again after a write.
    """
    page = response.intermediary
    if page is not None and response.status == HTTPStatus.FORBIDDEN:
        raise page
    return response


def xml_request(method: str, url: URL, body: bytes, *, depth: int | None = None) -> HttpRequest:
    """Return a request with a body in XML, and with a Depth header unless ``depth`` is None."""
    headers = {} if depth is None else {"Depth": str(depth)}
    return HttpRequest(
        method, url, {**headers, "Content-Type": _XML}, body, expected=EXPECTED_STATUSES
    )


def propfind(names: Iterable[str]) -> bytes:
    """Return the body of a PROPFIND for some properties."""
    root = ET.Element(DAV + "propfind")
    _ask_for(root, names)
    return _serialize(root)


def sync_collection(token: str) -> bytes:
    """Return the body of a REPORT (RFC 6578 section 3.2) for the changes since ``token``.

    The request asks for ETags and lengths, never for cards, because some servers send everything in
    one answer. It sets no limit, because some servers never send the rest of a truncated answer.
    """
    root = ET.Element(SYNC_COLLECTION)
    ET.SubElement(root, SYNC_TOKEN).text = token
    ET.SubElement(root, DAV + "sync-level").text = "1"
    _ask_for(root, LISTED)
    return _serialize(root)


def multiget(paths: Iterable[str], *, whole: bool) -> bytes:
    """Return the body of a REPORT (RFC 6352 section 8.7) for some cards.

    Without ``whole``, only :data:`INDEX_PROPERTIES` are requested (section 10.4), because photos
    are large. Some servers send whole cards nevertheless.
    """
    root = ET.Element(_CARDDAV + "addressbook-multiget")
    properties = _ask_for(root, (ETAG, LENGTH))
    data = ET.SubElement(properties, ADDRESS_DATA)
    for name in () if whole else INDEX_PROPERTIES:
        ET.SubElement(data, _CARDDAV + "prop", name=name)
    for path in paths:
        ET.SubElement(root, DAV + "href").text = path
    return _serialize(root)


def query_by_uid(uid_prefix: str | None, excluded: Iterable[str] = ()) -> bytes:
    """Return the body of a REPORT (RFC 6352 section 8.6) for cards by the beginning of the UID.

    Args:
        uid_prefix: the beginning; empty for any UID; None for the cards that have no UID.
        excluded: texts with which the UID does not begin.
    """
    root = ET.Element(_CARDDAV + "addressbook-query")
    _ask_for(root, LISTED)
    tests = ET.SubElement(root, _CARDDAV + "filter", test="allof")
    if uid_prefix:
        _add_uid_test(tests, uid_prefix, is_negated=False)
    else:
        has_uid = ET.SubElement(tests, _CARDDAV + "prop-filter", name="UID")
        if uid_prefix is None:
            ET.SubElement(has_uid, _CARDDAV + "is-not-defined")
    for other_prefix in excluded:
        _add_uid_test(tests, other_prefix, is_negated=True)
    return _serialize(root)


def _add_uid_test(tests: ET.Element, prefix: str, *, is_negated: bool) -> None:
    """Add to a query: the UID begins with a prefix or, if negated, does not."""
    names = {"collation": "i;unicode-casemap", "match-type": "starts-with"}
    negation = {"negate-condition": "yes"} if is_negated else {}
    test = ET.SubElement(tests, _CARDDAV + "prop-filter", name="UID")
    ET.SubElement(test, _CARDDAV + "text-match", {**names, **negation}).text = prefix


def query_by_name(names: Iterable[str]) -> bytes:
    """Return the body of a REPORT (RFC 6352 section 8.6) for the cards with one of these names."""
    root = ET.Element(_CARDDAV + "addressbook-query")
    _ask_for(root, (ETAG, ADDRESS_DATA))
    tests = ET.SubElement(root, _CARDDAV + "filter", test="anyof")
    test = ET.SubElement(tests, _CARDDAV + "prop-filter", name="FN", test="anyof")
    for name in names:
        match = {"collation": "i;unicode-casemap", "match-type": "equals"}
        ET.SubElement(test, _CARDDAV + "text-match", match).text = name
    return _serialize(root)


def make_address_book_body(name: str) -> bytes:
    """Return the body of an MKCOL (RFC 5689, RFC 6352 section 6.3.1) for an address book."""
    root = ET.Element(DAV + "mkcol")
    properties = ET.SubElement(ET.SubElement(root, DAV + "set"), DAV + "prop")
    kind = ET.SubElement(properties, RESOURCE_TYPE)
    ET.SubElement(kind, COLLECTION)
    ET.SubElement(kind, ADDRESS_BOOK)
    ET.SubElement(properties, DISPLAY_NAME).text = name
    return _serialize(root)


def explanation(body: bytes) -> str:
    """Return a server's explanation of a refusal (RFC 4918 section 16); empty if there is none."""
    root = _parse(body)
    if root is None or root.tag != DAV + "error":
        return ""
    names = filter(None, (element.tag.rpartition("}")[2] for element in root))
    description = root.findtext(DAV + "responsedescription", "").strip()
    words = [name for name in names if name != "responsedescription"]
    return ": ".join(filter(None, [", ".join(words), description]))[:_LONGEST_EXPLANATION]


def conflicting_url(response: Response) -> URL | None:
    """Return the URL of the resource with the same uid (RFC 6352 section 6.3.2.1), if reported."""
    root = _parse(response.body)
    conflict = None if root is None else root.find(NO_UID_CONFLICT)
    href = None if conflict is None else conflict.findtext(DAV + "href")
    return resolve(response.url, href) if href else None


def _ask_for(root: ET.Element, names: Iterable[str]) -> ET.Element:
    properties = ET.SubElement(root, DAV + "prop")
    for name in names:
        ET.SubElement(properties, name)
    return properties


def _serialize(root: ET.Element) -> bytes:
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


class _NoDoctype(ET.TreeBuilder):
    """Refuses a DTD, because no WebDAV answer needs a DTD, but attacks by entities do."""

    def doctype(self, name: str, public_id: str | None, system: str | None) -> None:
        raise ET.ParseError(f"DTD {name} {public_id} {system}")


def _parse(body: bytes) -> ET.Element | None:
    text = body.decode("utf-8-sig", "replace")
    parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - entities need a DTD, refused above
    try:
        parser.feed(text)
        root = parser.close()
    except ET.ParseError:
        return None
    return root if isinstance(root, ET.Element) else None
