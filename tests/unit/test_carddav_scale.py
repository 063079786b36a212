"""What 20,000 contacts cost over CardDAV: requests are counted, time and memory are told.

Time and bytes are the test server's as much as Mailroom's.
"""

import gc
import time
import tracemalloc
from collections.abc import Callable

import pytest
from yarl import URL

from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.http import HttpClient
from tests.support.sandbox.carddav import DavServer, serving

FEWER = 2_000
"""Enough to tell how much memory a card takes, which slows everything down while it is told."""
PHOTO = "PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 2000


def uid(number: int) -> str:
    return f"c0ffee00-0000-4000-8000-{number:012}"


def server_with(size: int) -> DavServer:
    """Cards with a photo each, half of them in one of ten groups."""
    dav = DavServer(lengths=False)
    for number in range(size):
        address = f"sender{number}@company{number % 5000}.example"
        dav.put(f"{uid(number)}.vcf", f"UID:{uid(number)}", "FN:Name", f"EMAIL:{address}", PHOTO)
    for number in range(10):
        members = [f"MEMBER:urn:uuid:{uid(each)}" for each in range(number, size, 20)]
        dav.put(f"group{number}.vcf", f"UID:group{number}", "FN:Group", "KIND:group", *members)
    return dav


class Watch:
    """An address book whose syncs are watched."""

    def __init__(self, http: HttpClient, url: URL) -> None:
        self._http = http
        self.book = CardDavAddressBook(http, url)
        self.requests: list[int] = []
        self.seconds: list[float] = []

    async def sync(self, size: int) -> None:
        """Sync, after which there are so many cards."""
        sent, began = self._http.requests_sent, time.perf_counter()
        index = (await self.book.sync()).index
        self.seconds.append(time.perf_counter() - began)
        self.requests.append(self._http.requests_sent - sent)
        assert len(index) == size


@pytest.mark.parametrize(
    ("size", "can_sync", "requests"),
    [
        pytest.param(
            20_000, True, [1 + 1 + 40 + 1, 1, 2], id="by tokens: a list, parts, the groups"
        ),
        pytest.param(4_000, False, [2 + 1 + 8 + 1, 1, 3], id="by ETags: cards, and the groups"),
    ],
)
async def test_many_contacts_are_loaded_once_and_then_kept_in_step(
    size: int,
    can_sync: bool,  # noqa: FBT001 - a parameter
    requests: list[int],
    record_property: Callable[[str, object], None],
) -> None:
    dav = server_with(size)
    dav.change_quirks(sync_collection=can_sync)
    async with serving(dav) as (url, http):
        watch = Watch(http, url)
        await watch.book.describe()
        await watch.sync(size)
        await watch.sync(size)
        dav.put("new.vcf", "UID:new", "FN:New", "EMAIL:new@x.example")
        await watch.sync(size + 1)
    assert watch.requests == requests
    first, nothing, one = watch.seconds
    way = "sync-collection" if can_sync else "ETags"
    text = f"first {first:.1f} s, nothing new {nothing:.3f} s, one change {one:.3f} s"
    record_property("measured", f"carddav, {size} contacts, sync by {way}: {text}")


async def test_what_is_kept_of_a_card_is_little(
    record_property: Callable[[str, object], None],
) -> None:
    async with serving(server_with(FEWER)) as (url, http):
        book = CardDavAddressBook(http, url)
        await book.describe()
        tracemalloc.start()
        try:
            await book.sync()
            gc.collect()
            ours = tracemalloc.Filter(inclusive=True, filename_pattern="*/mailroom/*")
            servers = tracemalloc.Filter(inclusive=False, filename_pattern="*/mailroom/sandbox/*")
            snapshot = tracemalloc.take_snapshot().filter_traces([ours, servers])
            held = sum(trace.size for trace in snapshot.traces)
        finally:
            tracemalloc.stop()
    each = held / FEWER
    assert each < len(PHOTO)
    record_property("measured", f"carddav, memory of a contact: {each:.0f} bytes")
