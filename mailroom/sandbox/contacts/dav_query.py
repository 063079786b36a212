"""The REPORT ``addressbook-query`` (RFC 6352 sections 8.6 and 10.5): from XML to a test. Pure.

Unknown filters are refused with ``supported-filter``.
"""

from collections.abc import Callable
from typing import Final
from xml.etree import ElementTree as ET

from mailroom.sandbox.contacts.vcard import properties

CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"
_MATCHES: Final[dict[str, Callable[[str, str], bool]]] = {
    "equals": str.__eq__,
    "starts-with": str.startswith,
}


class UnsupportedFilterError(Exception):
    """The sandbox does not know a filter, or a part of one."""


def compile_query(root: ET.Element) -> Callable[[bytes], bool]:
    """Return the test of a card by an ``addressbook-query``; an empty filter matches any card.

    Raises:
        UnsupportedFilterError: the sandbox does not know the filter.
    """
    filter_element = root.find(CARDDAV + "filter")
    if filter_element is None:
        raise UnsupportedFilterError
    tests = list(map(_prop_filter, filter_element))
    combine = _combination(filter_element)
    return lambda card: not tests or combine(test(card) for test in tests)


def _combination(element: ET.Element) -> Callable[..., bool]:
    return all if element.get("test", "anyof") == "allof" else any


def _prop_filter(element: ET.Element) -> Callable[[bytes], bool]:
    if element.tag != CARDDAV + "prop-filter":
        raise UnsupportedFilterError
    name = element.get("name", "").upper()
    if [child.tag for child in element] == [CARDDAV + "is-not-defined"]:
        return lambda card: not _values(card, name)
    tests = list(map(_text_match, element))
    combine = _combination(element)
    return lambda card: any(
        not tests or combine(test(value) for test in tests) for value in _values(card, name)
    )


def _text_match(element: ET.Element) -> Callable[[str], bool]:
    is_match = _MATCHES.get(element.get("match-type", "contains"))
    is_known = element.get("collation", "i;unicode-casemap") == "i;unicode-casemap"
    if element.tag != CARDDAV + "text-match" or is_match is None or not is_known:
        raise UnsupportedFilterError
    is_negated = element.get("negate-condition", "no") == "yes"
    text = (element.text or "").lower()
    return lambda value: is_match(value.lower(), text) is not is_negated


def _values(card: bytes, name: str) -> list[str]:
    return [prop.text for prop in properties(card) if prop.name == name]
