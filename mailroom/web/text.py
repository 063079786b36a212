"""Texts of strangers, made safe to look at. Pure.

The templates escape markup. This module removes characters that hide, reorder or pile up others
from names and subject lines. A person decides by an address, so an address keeps every character:
characters that cannot be seen are written as escapes.
"""

import re
import unicodedata
from typing import Final

import idna

_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero width joiner and non-joiner: emoji and several scripts need them between letters."""
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""The general categories of characters that are not drawn, or that reorder others."""
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are drawn as nothing."""
_SPACES: Final = frozenset({"Zs"})
"""The general category of spaces."""
_MARKS: Final = frozenset({"Mn", "Me"})
"""The general categories of combining marks."""
_MOST_MARKS: Final = 2
"""The largest number of combining marks on a letter. No living language needs more than two beside
composed letters."""
_LONGEST: Final = 160
"""The largest number of characters of a text; the rest is cut off."""
_LONGEST_ADDRESS: Final = 320
"""Octets of the longest address that is valid (RFC 5321 section 4.5.3.1)."""
_CONFUSABLE: Final = frozenset({"Armenian", "Cherokee", "Cyrillic", "Greek"})
"""Scripts with many letters that look like Latin ones. The first word of a letter's name in Unicode
is its script."""
_ELLIPSIS: Final = "…"
_PUNYCODE: Final = "xn--"
_LINK: Final = re.compile(
    r"(?i)[a-z][a-z0-9+.-]*://\S*|(?<![^\W_])//\S+|(?<![a-z0-9])www\.\S*|mailto:\S*"
)
_DOT: Final = re.compile(r"(?<=[^\s.])[.\u3002\uff0e\uff61](?=[\u200c\u200d]*[^\W\d_][^\s.])")
"""A dot as in ``example.com``; to browsers the full stops of Chinese and Japanese are dots, too."""
_IPV4: Final = re.compile(r"\d+(?:\.\d+){3}")
SAFE_DOT: Final = "\N{ONE DOT LEADER}"
"""Looks like a full stop. With it, ``example.com`` is no address of a site for a mail app."""


def clean(text: str, longest: int = _LONGEST) -> str:
    """Return a name or a subject line that can be shown in one line.

    Control, format and bidirectional characters are removed, and white space is folded. Combining
    marks are limited, and a long text is cut.
    """
    kept = list[str]()
    marks = 0
    # A name may have a million characters, so only its beginning is read.
    for character in unicodedata.normalize("NFC", text[: 4 * longest]):
        category = unicodedata.category(character)
        if character in _JOINERS:
            if kept and kept[-1] not in _JOINERS:
                kept.append(character)
            continue
        if character.isspace() or category in _SPACES or character in _BLANK:
            kept.append(" ")
        elif category in _MARKS:
            marks += 1
            if marks <= _MOST_MARKS:
                kept.append(character)
            continue
        elif category not in _HIDDEN:
            kept.append(character)
        marks = 0
    folded = " ".join("".join(kept).split()).strip("".join(_JOINERS))
    if len(folded) <= longest and len(text) <= 4 * longest:
        return folded
    return folded[: longest - 1].rstrip() + _ELLIPSIS


def unlinked(text: str) -> str:
    """Return a text in which mail apps find no link."""
    text = _DOT.sub(SAFE_DOT, _LINK.sub("[link]", text))
    return _IPV4.sub(lambda address: address[0].replace(".", SAFE_DOT), text)


def address(text: str) -> str:
    """Return an address, a domain or a List-Id in full.

    Characters that cannot be seen are shown as escapes. An international domain is followed by its
    form in ASCII, in which letters of different scripts cannot be confused: ``ann@bücher.example
    (@xn--bcher-kva.example)``. A domain in ASCII form is followed by its letters. Scripts with
    letters that look like Latin ones are named.
    """
    shown = "".join(_visible(character) for character in text[:_LONGEST_ADDRESS])
    if len(text) > _LONGEST_ADDRESS:
        return shown + _ELLIPSIS
    local, at, domain = text.rpartition("@")
    other = _other_form(domain)
    if not other:
        return shown
    letters = domain if other.isascii() else other
    # The first word of a letter's name is its script.
    words = (unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
    scripts = sorted({word.capitalize() for word in words} & (_CONFUSABLE | {"Latin"}))
    is_confusable = not _CONFUSABLE.isdisjoint(scripts)
    note = f", {' and '.join(scripts)} letters" if is_confusable else ""
    return f"{shown} ({local if local == '*' else ''}{at and '@'}{other}{note})"


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category in _HIDDEN or category in _MARKS or character in _BLANK or character in _JOINERS:
        return character.encode("unicode_escape").decode()
    if category in _SPACES and character != " ":
        return character.encode("unicode_escape").decode()
    return character


def _other_form(domain: str) -> str:
    """Return the other form of an international domain: ASCII for letters, or letters for ASCII."""
    try:
        if not domain.isascii():
            return idna.encode(domain, uts46=True).decode()
        if _PUNYCODE in domain.lower():
            return "".join(map(_visible, idna.decode(domain)))
    except (UnicodeError, ValueError):
        # An invalid domain must not look like a valid domain, so its letters become escapes.
        if not domain.isascii():
            shown = "".join(map(_visible, domain))
            return shown.encode("ascii", "backslashreplace").decode()
    return ""
