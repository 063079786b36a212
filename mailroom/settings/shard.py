"""Which accounts are whose, if several processes share them out.

By rendezvous hashing: each account goes to the shard that has the highest hash together with its
name. No process needs to know of the others, and with one shard more (or less) only those accounts
move that the new one wins (or the old one held).
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

_SHARD: Final = re.compile(r"(?P<index>\d{1,4})/(?P<count>\d{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard number ``index`` of ``count``, counted from 0."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """A shard as it is written: ``0/3`` is the first of three.

        Raises:
            ValueError: it is not written so, or there is no such shard.
        """
        found = _SHARD.fullmatch(text)
        if found is None:
            raise ValueError("must be a number, a slash and the number of shards, like 0/3")
        shard = cls(int(found["index"]), int(found["count"]))
        if shard.index >= shard.count:
            raise ValueError("must be less than the number of shards, as they count from 0")
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def keeps(self, name: str) -> bool:
        """Whether the account of this name belongs to this shard."""
        return self.index == max(range(self.count), key=lambda index: _weight(index, name))


def _weight(index: int, name: str) -> bytes:
    return hashlib.sha256(f"{index}/{name}".encode()).digest()
