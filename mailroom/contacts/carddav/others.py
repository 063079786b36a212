"""The user's other address books, which are only read to know their addresses."""

import asyncio
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

import structlog
from yarl import URL

from mailroom.contacts.carddav.changes import Changes
from mailroom.contacts.carddav.discovery import AddressBookCollection, books_in
from mailroom.contacts.carddav.following import Follower
from mailroom.contacts.carddav.hrefs import Paths, path_key
from mailroom.contacts.carddav.reports import Reports
from mailroom.contacts.model import AddressBookError
from mailroom.http import BrokenAnswerError, CredentialsRefusedError, HttpClient
from mailroom.waiting.concurrency import all_of

log = structlog.get_logger(__name__)

_LOOK_AGAIN: Final = 900.0
"""Seconds after which a home with a single address book is listed again."""


class OtherBook:
    """An address book that is only read."""

    def __init__(self, http: HttpClient, paths: Paths, collection: AddressBookCollection) -> None:
        self.collection = collection
        self._etags: dict[str, str] = {}
        reports = Reports(http, collection.url, paths)
        self._follower = Follower(reports, self._etags, can_sync=collection.can_sync)
        self._tag = ""
        self._is_passed_over = False

    async def changes(self, tag: str) -> Changes | None:
        """Return the changes; None if the tag is unchanged or the address book cannot be read.

        Raises:
            HttpError: the server cannot be reached.
        """
        if tag and tag == self._tag:
            return None
        try:
            changes = await self._follower.changes()
        except (AddressBookError, BrokenAnswerError, CredentialsRefusedError) as error:
            if getattr(error, "status", None) == HTTPStatus.UNAUTHORIZED:
                raise
            self._pass_over(error)
            return None
        self._is_passed_over = False
        return changes

    def accept(self, changes: Changes, tag: str) -> None:
        """Record that these changes were applied, and the tag."""
        self._follower.accept(changes)
        self._tag = tag

    def everything_gone(self) -> Changes:
        """Return the changes that remove every card of this address book."""
        changes = Changes()
        for path in self._etags:
            changes.lose(path)
        return changes

    def _pass_over(self, error: Exception) -> None:
        if not self._is_passed_over:
            name = self.collection.name
            log.warning("address book cannot be read", name=name, error=str(error))
        self._is_passed_over = True


class OtherBooks:
    """The readable address books in the user's homes, without the main one.

    Args:
        http: a client with the user's credentials.
        paths: the resources of this server.
        homes: the collections that hold the address books.
        main: the URL of the main address book.
        listed: the address books in the homes, if they were listed just now; else None.
    """

    def __init__(
        self,
        http: HttpClient,
        paths: Paths,
        homes: Collection[URL],
        main: URL,
        listed: Collection[AddressBookCollection] | None,
    ) -> None:
        self._http = http
        self._paths = paths
        self._homes = homes
        self._main = path_key(main.raw_path)
        self._books: dict[str, OtherBook] = {}
        self._looked_at = -_LOOK_AGAIN
        self._listed = listed

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the address books in the last listing."""
        return tuple(sorted(book.collection.name for book in self._books.values()))

    async def changes(self) -> list[tuple[OtherBook, Changes, str]]:
        """Return the changes of each address book, with the tag for :meth:`OtherBook.accept`.

        Takes one concurrent request for each home. Without other address books, the homes are
        listed only every 15 minutes.

        Raises:
            HttpError: the server cannot be reached.
        """
        there = await self._look()
        if there is None:
            return []
        gone = [self._books.pop(path) for path in self._books.keys() - there.keys()]
        for path in there.keys() - self._books.keys():
            self._books[path] = OtherBook(self._http, self._paths, there[path])
        changed = await all_of(
            self._books[path].changes(collection.tag) for path, collection in there.items()
        )
        told = [
            (self._books[path], changes, collection.tag)
            for (path, collection), changes in zip(there.items(), changed, strict=True)
            if changes is not None
        ]
        return told + [(book, book.everything_gone(), "") for book in gone]

    async def _look(self) -> dict[str, AddressBookCollection] | None:
        """Return the address books in the homes, by path; None if no new listing is due."""
        now = asyncio.get_running_loop().time()
        listed, self._listed = self._listed, None
        if listed is None:
            if not self._books and now - self._looked_at < _LOOK_AGAIN:
                return None
            homes = await all_of(books_in(self._http, home) for home in self._homes)
            listed = [book for books in homes for book in books]
        self._looked_at = now
        there = {path_key(book.url.raw_path): book for book in listed if book.is_readable}
        there.pop(self._main, None)
        return there
