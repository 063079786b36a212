"""Reads the changes of the user's address books, and updates the cache in memory."""

import asyncio
from collections.abc import Collection
from http import HTTPStatus
from typing import Final

import structlog
from yarl import URL

from mailroom.contacts.carddav.cache import CardCache, Changes
from mailroom.contacts.carddav.collection_sync import CollectionSync
from mailroom.contacts.carddav.discovery import AddressBookCollection, books_in
from mailroom.contacts.carddav.hrefs import Paths, path_key
from mailroom.contacts.carddav.requests import Requests
from mailroom.contacts.index import ContactIndex
from mailroom.contacts.model import AddressBookError
from mailroom.http import BrokenAnswerError, CredentialsRefusedError, HttpClient
from mailroom.waiting.concurrency import all_of, both

log = structlog.get_logger(__name__)

_LIST_AGAIN: Final = 900.0
"""Seconds after which a home with a single address book is listed again."""


class Synchronizer:
    """Updates the cache from the main address book and from the user's other address books.

    Args:
        collection_sync: reads the changes in the address book.
        others: reads the changes in the other address books.
        cache: the address book in memory.
    """

    def __init__(
        self, collection_sync: CollectionSync, others: "OtherBooks", cache: CardCache
    ) -> None:
        self._collection_sync = collection_sync
        self._others = others
        self._cache = cache
        self._lock = asyncio.Lock()

    async def sync(self) -> ContactIndex:
        """Read and apply the changes on the server, and return the index after them.

        Raises: as :class:`Requests`.
        """
        async with self._lock:
            # Every change is read before the first is applied, so that no index is half filled.
            changes, of_others = await both(self._collection_sync.changes(), self._others.changes())
            self._cache.apply(changes)
            self._collection_sync.accept(changes)
            for book, changes_of_book, tag in of_others:
                self._cache.apply_known_only(changes_of_book)
                book.accept(changes_of_book, tag)
            return self._cache.index


class OtherBook:
    """An address book that is only read."""

    def __init__(self, http: HttpClient, paths: Paths, collection: AddressBookCollection) -> None:
        self.collection = collection
        self._etags: dict[str, str] = {}
        requests = Requests(http, collection.url, paths)
        self._sync = CollectionSync(requests, self._etags, can_sync=collection.can_sync)
        self._tag = ""
        self._is_skipped = False

    async def changes(self, tag: str) -> Changes | None:
        """Return the changes; None if the tag is unchanged or the address book cannot be read.

        Raises:
            HttpError: the server cannot be reached, or refuses the credentials with 401.
        """
        if tag and tag == self._tag:
            return None
        try:
            changes = await self._sync.changes()
        except (AddressBookError, BrokenAnswerError, CredentialsRefusedError) as error:
            if getattr(error, "status", None) == HTTPStatus.UNAUTHORIZED:
                raise
            if not self._is_skipped:
                name = self.collection.name
                log.warning("address book cannot be read, skipped", name=name, error=str(error))
            self._is_skipped = True
            return None
        self._is_skipped = False
        return changes

    def accept(self, changes: Changes, tag: str) -> None:
        """Record that these changes were applied, and the tag."""
        self._sync.accept(changes)
        self._tag = tag

    def everything_gone(self) -> Changes:
        """Return the changes that remove every card of this address book."""
        changes = Changes()
        for path in self._etags:
            changes.remove(path)
        return changes


class OtherBooks:
    """The readable address books in the user's homes, without the main one.

    Args:
        http: a client with the user's credentials.
        paths: the server's spellings of paths.
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
        self._listed_at = -_LIST_AGAIN
        self._listed = listed

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the address books in the last listing."""
        return tuple(sorted(book.collection.name for book in self._books.values()))

    async def changes(self) -> list[tuple[OtherBook, Changes, str]]:
        """Return the changes of each address book, with the tag for :meth:`OtherBook.accept`.

        Takes one request for each home, all at the same time, and further requests for address
        books that have changed. Without other address books, the homes are listed only every 15
        minutes.

        Raises:
            HttpError: the server cannot be reached, or refuses the credentials with 401.
        """
        now = asyncio.get_running_loop().time()
        listed, self._listed = self._listed, None
        if listed is None:
            if not self._books and now - self._listed_at < _LIST_AGAIN:
                return []
            homes = await all_of(books_in(self._http, home) for home in self._homes)
            listed = [book for books in homes for book in books]
        self._listed_at = now
        present = {path_key(book.url.raw_path): book for book in listed if book.is_readable}
        present.pop(self._main, None)
        gone = [self._books.pop(path) for path in self._books.keys() - present.keys()]
        for path in present.keys() - self._books.keys():
            self._books[path] = OtherBook(self._http, self._paths, present[path])
        changed = await all_of(
            self._books[path].changes(collection.tag) for path, collection in present.items()
        )
        return [
            (self._books[path], changes, collection.tag)
            for (path, collection), changes in zip(present.items(), changed, strict=True)
            if changes is not None
        ] + [(book, book.everything_gone(), "") for book in gone]
