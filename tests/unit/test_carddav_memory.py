"""The memory of a process that opens an address book is bounded, whatever the server sends."""

import asyncio
import json
import sys
from collections.abc import Callable

import pytest

from tests.support.scripted.large_cards import LargeCards, serving_large

MOST = 120 * 1024
"""KiB. A process that has loaded Mailroom, and does nothing, has about 65,000."""
CHILD = """
import asyncio, json, pathlib, re, sys

import aiohttp
from yarl import URL

import mailroom.runtime.service
from mailroom.contacts.carddav import CardDavAddressBook
from mailroom.http import Credentials, HttpClient

async def main():
    async with aiohttp.ClientSession() as session:
        http = HttpClient(session, Credentials.basic("a", "b"))
        book = CardDavAddressBook(http, URL(sys.argv[1]))
        snapshot = await book.sync()
        index, remarks = snapshot.index, await book.remarks()
        whole = await snapshot.read([f"{name}@x.example" for name in json.loads(sys.argv[2])])
        known = [name for name in json.loads(sys.argv[3]) if index.knows(f"{name}@x.example")]
        # Not ru_maxrss: that is inherited from the process that started this one.
        status = pathlib.Path("/proc/self/status").read_text()
        peak = int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1])
        print(json.dumps([peak, len(index), len(known), len(whole), remarks]))

asyncio.run(main())
"""


async def opened(
    cards: LargeCards, names: list[str], read: list[str]
) -> tuple[int, int, int, int, list[str]]:
    """What a process tells that opens the address book, and reads some of its cards whole."""
    async with serving_large(cards) as url:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, str(url), json.dumps(read), json.dumps(names),
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, _ = await child.communicate()
    assert child.returncode == 0
    peak, cards_known, known, whole, remarks = json.loads(output.splitlines()[-1])
    return peak, cards_known, known, whole, remarks


@pytest.mark.parametrize("gives_lengths", [True, False])
async def test_three_hundred_photos(
    gives_lengths: bool,  # noqa: FBT001 - a parameter
    record_property: Callable[[str, object], None],
) -> None:
    names = [f"n{number}" for number in range(300)]
    cards = LargeCards(dict.fromkeys(names, 100_000), gives_lengths=gives_lengths)
    peak, size, known, whole, _ = await opened(cards, names, names)
    assert (size, known, whole) == (300, 300, 300)
    assert cards.sent > 2 * 300 * 100_000
    record_property("measured", f"carddav, 300 photos of 100 kB: peak {peak // 1024} MiB")
    assert peak < MOST


@pytest.mark.parametrize("gives_lengths", [True, False])
async def test_one_card_of_seventy_megabytes(
    gives_lengths: bool,  # noqa: FBT001 - a parameter
    record_property: Callable[[str, object], None],
) -> None:
    """A friend with such a photo still is a friend, and everybody else is known as well."""
    names = ["friend", *(f"n{number}" for number in range(50))]
    octets = {name: 70_000_000 if name == "friend" else 1000 for name in names}
    cards = LargeCards(octets, gives_lengths=gives_lengths)
    peak, size, known, whole, remarks = await opened(cards, names, names)
    assert (size, known, whole) == (50, 51, 50)
    assert ["friend.vcf" in remark for remark in remarks] == [True]
    record_property("measured", f"carddav, one card of 70 MB: peak {peak // 1024} MiB")
    assert peak < MOST
