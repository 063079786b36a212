"""The forms in which the names of mailboxes, groups and categories are compared."""

import unicodedata


def composed(name: str) -> str:
    """Return a name in NFC, because some apps and servers decompose umlauts."""
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """Return a name in NFC without letter case, for names that a server may take for the same."""
    return composed(name).casefold()
