"""The changes of resources, and the tokens that name a moment between changes. Pure."""

import uuid
from typing import Final

_SCHEME: Final = "data:,"


class InvalidTokenError(Exception):
    """A token that this history did not issue."""


class DavHistory:
    """The history of one collection. Tokens are valid for their own collection only."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex[:8]
        self._now = 0
        self._at: dict[str, int] = {}

    @property
    def tag(self) -> str:
        """The tag of the collection, which changes with every change."""
        return f"{self._id}-{self._now}"

    @property
    def token(self) -> str:
        """The sync-token of the present moment, a URI."""
        return _SCHEME + self.tag

    def touch(self, path: str) -> None:
        """This was made, changed or removed."""
        self._now += 1
        self._at.pop(path, None)
        self._at[path] = self._now

    def since(self, token: str) -> dict[str, str]:
        """Path -> the token of the change, the earliest first; without a token, of all.

        Raises:
            InvalidTokenError: it is not one of this history's, or from the future.
        """
        then = self._moment(token)
        return {path: f"{_SCHEME}{self._id}-{at}" for path, at in self._at.items() if at > then}

    def _moment(self, token: str) -> int:
        if not token:
            return 0
        start, _, number = token.removeprefix(_SCHEME).rpartition("-")
        if start != self._id or not number.isdecimal() or int(number) > self._now:
            raise InvalidTokenError
        return int(number)
