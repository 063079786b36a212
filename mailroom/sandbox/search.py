"""Address fields as the search index sees them: whole addresses, domains and words. Pure.

There are no substrings, as in Cyrus with Xapian: ``ann`` finds ``sub.ann@x.example`` but not
``joann@x.example``; ``ann@x.example`` finds exactly that address; ``x.example`` finds every domain
with these two consecutive words. A search for any other text is refused if the text has characters
other than letters, digits, ``_``, ``'``, ``.``, a final ``@`` and white space.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mailroom.sandbox.addresses import Address

_WORD: Final = re.compile(r"[\w']+")
_WORDS: Final = re.compile(r"[\w'.\s]*")


@dataclass(frozen=True, slots=True)
class Terms:
    """The indexed terms of a field, in lower case.

    Attributes:
        addresses: whole addresses.
        domains: the parts after the ``@``.
        texts: names, local parts and domains, word by word.
    """

    addresses: frozenset[str]
    domains: frozenset[str]
    texts: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, addresses: Iterable[Address]) -> "Terms":
        """Index a field."""
        emails = [address.email.lower() for address in addresses]
        names = [(address.name or "").lower() for address in addresses]
        parts = [part for email in emails for part in email.rsplit("@", 1)]
        return cls(
            addresses=frozenset(emails),
            domains=frozenset(email.rpartition("@")[2] for email in emails),
            texts=tuple(tuple(_WORD.findall(text)) for text in (*names, *parts)),
        )

    def has(self, phrase: Sequence[str]) -> bool:
        """Return True if these words are consecutive in a text."""
        length = len(phrase)
        return any(
            text[start : start + length] == tuple(phrase)
            for text in self.texts
            for start in range(len(text) - length + 1)
        )


def matcher(text: str) -> Callable[[Terms], bool] | None:
    """Return the test of a field for a text; None if the index cannot find such a text."""
    wanted = text.strip().strip("<>").lower()
    local, at, domain = wanted.rpartition("@")
    if at and domain:
        if " " in wanted:
            return lambda _: False
        if not local:
            return lambda terms: domain in terms.domains
        return lambda terms: wanted in terms.addresses
    words = wanted.removesuffix("@")
    if not _WORDS.fullmatch(words):
        return None
    phrases = [phrase for part in words.split() if (phrase := _WORD.findall(part))]
    return lambda terms: bool(phrases) and all(terms.has(phrase) for phrase in phrases)
