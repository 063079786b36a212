"""Filters and paths of :mod:`tests.support.dav_server`."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote
from xml.etree import ElementTree as ET

CARDDAV = "{urn:ietf:params:xml:ns:carddav}"


def plain(path: str) -> str:
    """Return the one form of a path that all its spellings have in common."""
    return unquote(path).replace("//", "/")


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
