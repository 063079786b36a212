"""HTML pages that come instead of an answer for programs. Pure.

A page is recognised by its content: the Content-Type is often wrong, and JSON is sent as
``text/html`` as well.
"""

import html
import re
from typing import Final

_PAGE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_HIDDEN: Final = re.compile(r"(?is)<(script|style)\b.*?</\1\s*>|<!--.*?-->")
_TITLE: Final = re.compile(r"(?is)<title[^>]*>(.*?)</title>")
_TAG: Final = re.compile(r"(?s)<[^>]*>?")
_LOOKED_AT: Final = 16 * 1024
"""Octets of a page, from its beginning, in which the title or the first words are."""
_LONGEST_WORDS: Final = 120


def first_words(body: bytes) -> str | None:
    """Return the title of an HTML page, else its first words; None if the body is not HTML."""
    if not _PAGE.match(body[:_LOOKED_AT]):
        return None
    text = _HIDDEN.sub(" ", body[:_LOOKED_AT].decode("utf-8", "replace"))
    title = _TITLE.search(text)
    return plain(title[1] if title and title[1].strip() else _TAG.sub(" ", text))


def plain(text: str) -> str:
    """Return a few words of a text of unknown origin, fit for one line of a log."""
    unescaped = html.unescape(_TAG.sub(" ", text))
    printable = "".join(letter if letter.isprintable() else " " for letter in unescaped)
    words = " ".join(printable.split())
    return words if len(words) <= _LONGEST_WORDS else words[: _LONGEST_WORDS - 1] + "…"
