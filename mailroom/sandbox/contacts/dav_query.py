"""The REPORT ``addressbook-query`` (RFC 6352 sections 8.6 and 10.5): from XML to a test. Pure.

What is beyond it is refused with ``supported-filter``, never guessed.
"""

from collections.abc import Callable
from typing import Final, TypeVar
from xml.etree import ElementTree as ET

from mailroom.sandbox.contacts.vcard import properties

T = TypeVar("T")
Test = Callable[[bytes], bool]

CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"
_COLLATIONS: Final[dict[str, Callable[[str], str]]] = {
    "i;unicode-casemap": str.lower,
    "i;ascii-casemap": lambda text: (
        text.encode(errors="surrogatepass").lower().decode(errors="surrogatepass")
    ),
    "i;octet": str,
}
_MATCHES: Final[dict[str, Callable[[str, str], bool]]] = {
    "equals": lambda value, wanted: value == wanted,
    "contains": lambda value, wanted: wanted in value,
    "starts-with": str.startswith,
    "ends-with": str.endswith,
}


class UnsupportedFilterError(Exception):
    """A filter, or a part of one, that is not known here."""


def compile_query(root: ET.Element) -> Test:
    """The test of a card that an ``addressbook-query`` stands for; without a filter, any card.

    Raises:
        UnsupportedFilterError: it asks for more than is known here.
    """
    filters = root.findall(CARDDAV + "filter") or [ET.Element(CARDDAV + "filter")]
    if len(filters) != 1 or root.find(CARDDAV + "limit") is not None:
        raise UnsupportedFilterError
    tests = [_prop_filter(each) for each in filters[0]]
    combine = _combination(filters[0])
    return lambda card: not tests or combine(test(card) for test in tests)


def _combination(element: ET.Element) -> Callable[..., bool]:
    combinations: dict[str, Callable[..., bool]] = {"anyof": any, "allof": all}
    return _known(combinations, element.get("test", "anyof"))


def _known(table: dict[str, T], name: str) -> T:
    try:
        return table[name]
    except KeyError:
        raise UnsupportedFilterError from None


def _prop_filter(element: ET.Element) -> Test:
    if element.tag != CARDDAV + "prop-filter":
        raise UnsupportedFilterError
    name = element.get("name", "").upper()
    if [each.tag for each in element] == [CARDDAV + "is-not-defined"]:
        return lambda card: not _values(card, name)
    tests = [_text_match(each) for each in element]
    combine = _combination(element)
    return lambda card: any(
        not tests or combine(test(value) for test in tests) for value in _values(card, name)
    )


def _text_match(element: ET.Element) -> Callable[[str], bool]:
    if element.tag != CARDDAV + "text-match":
        raise UnsupportedFilterError
    fold = _known(_COLLATIONS, element.get("collation", "i;unicode-casemap"))
    is_match = _known(_MATCHES, element.get("match-type", "contains"))
    is_negated = element.get("negate-condition", "no") == "yes"
    wanted = fold(element.text or "")
    return lambda value: is_match(fold(value), wanted) is not is_negated


def _values(card: bytes, name: str) -> list[str]:
    return [value for each, value in properties(card) if each == name]
