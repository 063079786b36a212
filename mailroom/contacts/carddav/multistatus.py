"""Reads a multistatus (RFC 4918 section 13) while it comes in, resource by resource.

The server decides the size of an answer. So the answer is never in memory as a whole: each resource
is handed on when its element ends, and a card is scanned while it comes in.

A card may hold characters that XML cannot carry (control characters, bytes that are not UTF-8), and
servers send these unchanged. They are replaced, because one broken card must not make all others
unreadable; see :data:`mailroom.contacts.carddav.hrefs.REPLACEMENT`.
"""

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Generic, TypeVar
from xml.etree import ElementTree as ET
from xml.parsers import expat

from yarl import URL

from mailroom.contacts.carddav.hrefs import REPLACEMENT, resolve
from mailroom.contacts.carddav.webdav import ADDRESS_DATA, DAV, SYNC_TOKEN
from mailroom.contacts.vcard.scan import CardScanner, ScannedCard
from mailroom.http import BrokenAnswerError, Response

T = TypeVar("T")

_MULTISTATUS: Final = DAV + "multistatus"
_RESPONSE: Final = DAV + "response"
_PROPSTAT: Final = DAV + "propstat"
_PROP: Final = DAV + "prop"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_AT_ONCE: Final = 64 * 1024
"""Octets of text that the parser passes on in one call."""
_LONGEST_TEXT: Final = 1024 * 1024
"""Characters of all properties of one resource at most, without its card."""
_DEEPEST: Final = 50
"""Elements that may be nested in each other."""


@dataclass(frozen=True, slots=True)
class Item:
    """One resource in a multistatus.

    Attributes:
        url: the URL of the resource, on the host of the answer or on another host to which
            credentials may be sent.
        status: the status of the resource; 200 if only its properties have a status.
        properties: the properties that were found, by name.
        card: the value of ``address-data``; None if the answer has none.
    """

    url: URL
    status: int
    properties: Mapping[str, ET.Element]
    card: ScannedCard | None = None

    def text(self, name: str) -> str:
        """Return the text of a property; an empty one if the property is missing."""
        element = self.properties.get(name)
        return "" if element is None else "".join(element.itertext())

    def urls(self, name: str) -> list[URL]:
        """Return the URLs that a property holds."""
        element = self.properties.get(name)
        hrefs = [] if element is None else element.iter(DAV + "href")
        return [resolve(self.url, href.text or "") for href in hrefs]

    def element_names(self, name: str) -> frozenset[str] | None:
        """Return the names of a property and of every element in it; None if it is missing."""
        element = self.properties.get(name)
        return None if element is None else frozenset(child.tag for child in element.iter())


@dataclass(frozen=True, slots=True)
class Multistatus(Generic[T]):
    """An answer that was read.

    Attributes:
        found: the results of ``take``, in the order of the resources.
        sync_token: the sync-token; empty if there is none.
        is_truncated: True if the server reports a truncated answer (507; RFC 6578 section 3.6,
            RFC 6352 section 8.6.2).
    """

    found: tuple[T, ...]
    sync_token: str = ""
    is_truncated: bool = False


class MultistatusReader(Generic[T]):
    """Reads one answer; see :class:`mailroom.http.AnswerReader`.

    Args:
        take: converts a resource; called while the answer comes in.
        raise_for: called with an answer that is not a multistatus; may raise an error.
        keep_up_to: octets up to which a card is kept unchanged, see
            :class:`mailroom.contacts.vcard.scan.CardScanner`.
        enough: octets after which the reader stops; None to read the whole answer.
    """

    def __init__(
        self,
        take: Callable[[Item], T],
        raise_for: Callable[[Response], None] = lambda _: None,
        *,
        keep_up_to: int = 0,
        enough: int | None = None,
    ) -> None:
        self._take = take
        self._raise_for = raise_for
        self._keep_up_to = keep_up_to
        self._enough = enough
        self._octets = 0
        self._found: list[T] = []
        self._is_truncated = False
        self._url = URL()
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._path: list[str] = []
        self._builder: ET.TreeBuilder | None = None
        self._scanner: CardScanner | None = None
        self._text = 0
        self._token: list[str] = []
        self._parser = _parser(self)

    def begin(self, response: Response) -> bool:
        """See :class:`mailroom.http.AnswerReader`."""
        self._url = response.url
        return response.status == HTTPStatus.MULTI_STATUS

    def feed(self, data: bytes) -> bool:
        """See :class:`mailroom.http.AnswerReader`."""
        self._octets += len(data)
        self._parse(self._decoder.decode(data), is_last=False)
        return self._enough is None or self._octets < self._enough

    def result(self, response: Response) -> Multistatus[T]:
        """See :class:`mailroom.http.AnswerReader`. Raises also the errors of ``raise_for``."""
        if response.status != HTTPStatus.MULTI_STATUS:
            self._raise_for(response)
            raise BrokenAnswerError(response.url, "no WebDAV multistatus")
        # After a stop, the resource whose element has not ended does not count as found.
        if self._enough is None or self._octets < self._enough:
            self._parse(self._decoder.decode(b"", final=True), is_last=True)
        token = "".join(self._token).strip()
        return Multistatus(tuple(self._found), token, self._is_truncated)

    def _parse(self, text: str, *, is_last: bool) -> None:
        try:
            self._parser.Parse(_NOT_XML.sub(REPLACEMENT, text), is_last)
        except expat.ExpatError:
            raise self._broken() from None

    def _broken(self) -> BrokenAnswerError:
        return BrokenAnswerError(self._url, "no WebDAV multistatus")

    def on_start(self, name: str, attributes: dict[str, str]) -> None:
        """Handle the beginning of an element."""
        # The parser writes "DAV:}response" for the name that ElementTree writes "{DAV:}response".
        tag = "{" + name if "}" in name else name
        if (not self._path and tag != _MULTISTATUS) or len(self._path) > _DEEPEST:
            raise self._broken()
        self._path.append(tag)
        if len(self._path) == 2 and tag == _RESPONSE:  # noqa: PLR2004 - root, response
            self._builder, self._text = ET.TreeBuilder(), 0
        if self._builder is not None:
            self._builder.start(tag, attributes)
            if tag == ADDRESS_DATA:
                self._scanner = CardScanner(self._keep_up_to)

    def on_end(self, _: str) -> None:
        """Handle the end of an element."""
        tag = self._path.pop()
        if self._builder is None:
            return
        self._builder.end(tag)
        if len(self._path) != 1:
            return
        # The element is a response.
        element = self._builder.close()
        card = None if self._scanner is None else self._scanner.result()
        self._builder = self._scanner = None
        status = _status(element) or HTTPStatus.OK
        if status == HTTPStatus.INSUFFICIENT_STORAGE:
            self._is_truncated = True
            return
        properties: dict[str, ET.Element] = {}
        refused: set[str] = set()
        for propstat in element.iter(_PROPSTAT):
            props = (prop for prop in propstat if prop.tag == _PROP)
            elements = {child.tag: child for prop in props for child in prop}
            if _status(propstat) == HTTPStatus.OK:
                properties.update(elements)
            else:
                refused |= elements.keys()
        if ADDRESS_DATA in refused and ADDRESS_DATA not in properties:
            card = None
        href = element.findtext(DAV + "href", "")
        for further in element.findall(DAV + "href")[1:] if status != HTTPStatus.OK else ():
            # RFC 4918 section 14.24: several resources may share one status.
            self._found.append(self._take(Item(resolve(self._url, further.text or ""), status, {})))
        self._found.append(self._take(Item(resolve(self._url, href), status, properties, card)))

    def on_text(self, text: str) -> None:
        """Handle a text or a part of a text."""
        if self._scanner is not None and self._path[-1] == ADDRESS_DATA:
            self._scanner.feed(text.encode())
        elif self._builder is not None:
            self._text += len(text)
            if self._text > _LONGEST_TEXT:
                raise self._broken()
            self._builder.data(text)
        elif self._path[1:] == [SYNC_TOKEN]:
            self._token.append(text[:_LONGEST_TEXT])

    def on_doctype(self, *_: object) -> None:
        """Refuse a DTD, because no WebDAV answer needs a DTD, but attacks by entities do."""
        raise self._broken()


def parse_multistatus(response: Response) -> Multistatus[Item]:
    """Read a whole 207 that is known to be short.

    Raises:
        BrokenAnswerError: the answer is not a multistatus.
        AddressBookError: the answer names resources of another host.
    """
    reader: MultistatusReader[Item] = MultistatusReader(lambda item: item, keep_up_to=_LONGEST_TEXT)
    reader.begin(response)
    reader.feed(response.body)
    return reader.result(response)


def _parser(reader: MultistatusReader[T]) -> expat.XMLParserType:
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.buffer_size = _AT_ONCE
    parser.StartElementHandler = reader.on_start
    parser.EndElementHandler = reader.on_end
    parser.CharacterDataHandler = reader.on_text
    parser.StartDoctypeDeclHandler = reader.on_doctype
    return parser


def _status(element: ET.Element) -> int | None:
    words = element.findtext(DAV + "status", "").split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else None
