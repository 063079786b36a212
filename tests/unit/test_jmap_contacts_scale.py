"""What 20,000 contacts cost over JMAP: requests are counted, time and memory are told."""

import gc
import time
import tracemalloc
from collections.abc import Callable

from mailroom.contacts.jmap import JmapAddressBook
from tests.support.sandbox.jmap_account import Account, WatchedContacts, open_account

CARDS = 20_000
PHOTO = {"p": {"uri": "data:image/jpeg;base64," + "A" * 2000}}
PAGES = 5
"""As many as it takes at Cyrus' 4096 cards at a time."""


def uid(number: int) -> str:
    return f"c0ffee00-0000-4000-8000-{number:012}"


def fill(contacts: WatchedContacts) -> None:
    """Cards with a photo each, half of them in one of ten groups."""
    for number in range(CARDS):
        emails = {"e": {"address": f"sender{number}@company{number % 5000}.example"}}
        contacts.add(uid(number), name={"full": "Somebody"}, emails=emails, media=PHOTO)
    for number in range(10):
        contacts.add_group(f"group{number}", *map(uid, range(number, CARDS, 20)))


async def timed_sync(account: Account, requests: int) -> str:
    """Sync in so many requests; tells how long it took."""
    sent, began = account.http.requests_sent, time.perf_counter()
    index = (await account.book.sync()).index
    took = time.perf_counter() - began
    assert len(index) == CARDS
    assert account.http.requests_sent == sent + requests
    return f"{took:.3f} s"


async def memory_of_a_sync(account: Account) -> str:
    """What a client that has synced holds, all but the test's own records; and the most of it."""
    tracemalloc.start()
    try:
        account.book = JmapAddressBook(account.client, "alice", annotate=True)
        await account.book.sync()
        account.contacts.calls.clear()
        gc.collect()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return f"{held / 1e6:.1f} MB, at most {peak / 1e6:.1f} MB with the sandbox's answers"


async def test_20000_contacts_are_loaded_once_and_then_kept_in_step(
    record_property: Callable[[str, object], None],
) -> None:
    async with open_account() as account:
        fill(account.contacts)
        await account.client.session()
        first = await timed_sync(account, PAGES)
        nothing = await timed_sync(account, 1)
        account.contacts.patch(uid(7), **{"name/full": "Other"})
        one = await timed_sync(account, 1)
        memory = await memory_of_a_sync(account)
    times = f"first sync {first}, nothing new {nothing}, one change {one}"
    record_property("measured", f"{CARDS} contacts over JMAP: {times}; {memory}")
