"""The cards of one user over CardDAV, with their ETags and their history (RFC 6578). Pure."""

import hashlib
import uuid
from collections import UserDict
from typing import Final
from urllib.parse import unquote

_SCHEME: Final = "data:,"


class InvalidTokenError(Exception):
    """A sync token was not issued by this history, or is from the future."""


class DavCards(UserDict[str, bytes]):
    """Path -> vCard. Every change is recorded in the history.

    A token is the number of a change. It is valid until :meth:`invalidate_tokens`.
    """

    def __init__(self) -> None:
        self._etags: dict[str, str] = {}
        self._paths: dict[str, str] = {}
        self._changes: dict[str, int] = {}
        self._last = 0
        self._id = uuid.uuid4().hex[:8]
        super().__init__()

    def __setitem__(self, path: str, card: bytes) -> None:
        """Store a card."""
        super().__setitem__(path, card)
        self._etags[path] = f'"{hashlib.sha256(card).hexdigest()[:20]}"'
        self._paths[_plain(path)] = path
        self._record(path)

    def __delitem__(self, path: str) -> None:
        """Remove a card."""
        super().__delitem__(path)
        del self._etags[path], self._paths[_plain(path)]
        self._record(path)

    def _record(self, path: str) -> None:
        self._last += 1
        self._changes.pop(path, None)
        self._changes[path] = self._last

    def etag(self, path: str) -> str:
        """Return the ETag of a card."""
        return self._etags[path]

    def path_of(self, spelling: str) -> str:
        """Return the path of the card that any spelling of the path means."""
        return spelling if spelling in self else self._paths.get(_plain(spelling), spelling)

    def members(self, book: str) -> list[str]:
        """Return the paths of the cards in an address book."""
        return [path for path in self if path.startswith(book)]

    def tag(self, book: str) -> str:
        """Return a tag that changes with every change in an address book."""
        last = (number for path, number in reversed(self._changes.items()) if path.startswith(book))
        return f"{self._id}-{next(last, 0)}"

    def token(self, number: int | None = None) -> str:
        """Return the sync token after a change, by default after the last one."""
        return f"{_SCHEME}{self._id}-{self._last if number is None else number}"

    def since(self, book: str, token: str) -> dict[str, str]:
        """Return the changed paths in an address book with the token of each change, oldest first.

        Without a token, return every path that the address book has or ever had.

        Raises:
            InvalidTokenError: the token is not from this history, or from the future.
        """
        since = 0
        if token:
            history, _, number = token.removeprefix(_SCHEME).rpartition("-")
            if history != self._id or not number.isdecimal() or int(number) > self._last:
                raise InvalidTokenError
            since = int(number)
        changes = self._changes.items()
        recent = {path: number for path, number in changes if number > since}
        return {
            path: self.token(number) for path, number in recent.items() if path.startswith(book)
        }

    def invalidate_tokens(self) -> None:
        """Make all tokens invalid, as a restored backup does on a real server."""
        self._id = uuid.uuid4().hex[:8]


def _plain(path: str) -> str:
    """Return the form of a path that all its spellings have in common."""
    return unquote(path).replace("//", "/")
