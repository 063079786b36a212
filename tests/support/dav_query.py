"""Filters and paths of :mod:`tests.support.dav_server`."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote
from xml.etree import ElementTree as ET

CARDDAV = "{urn:ietf:params:xml:ns:carddav}"


def same(one: str, other: str) -> bool:
    """Whether two paths name one resource, in whatever way they are encoded."""
    return unquote(one).replace("//", "/") == unquote(other).replace("//", "/")


def passes(part: ET.Element, card: bytes, any_or_all: Callable[[Iterable[bool]], bool]) -> bool:
    """Whether a card passes a prop-filter."""
    name = part.attrib["name"].encode()
    values = re.findall(rb"(?mi)^(?:\w+\.)?" + name + rb"[^:\n]*:(.*?)\r?$", card)
    if part.find(CARDDAV + "is-not-defined") is not None:
        return not values
    tests = part.findall(CARDDAV + "text-match")
    return any(
        any_or_all(matches(test, value.decode().lower()) for test in tests) for value in values
    )


def matches(test: ET.Element, value: str) -> bool:
    wanted = (test.text or "").lower()
    begins = test.attrib["match-type"] == "starts-with"
    found = value.startswith(wanted) if begins else value == wanted
    return found is not (test.get("negate-condition") == "yes")
