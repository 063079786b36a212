"""The division of the accounts among several processes, by rendezvous hashing.

For each account, every shard gets a hash: of its number together with the account's name. The shard
with the highest hash serves the account. So the processes need not know each other, and if a shard
is added (or removed), only the accounts of that shard move.
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
        """Read a shard as it is written: ``0/3`` is the first of three.

        Raises:
            ValueError: the text has another form, or there is no such shard.
        """
        match = _SHARD.fullmatch(text)
        if match is None:
            raise ValueError("must be a number, a slash and the number of shards, like 0/3")
        shard = cls(int(match["index"]), int(match["count"]))
        if shard.index >= shard.count:
            raise ValueError(
                "must be one of the shards, which count from 0: of three, the last is 2/3"
            )
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def serves(self, name: str) -> bool:
        """Return True if the account with this name belongs to this shard."""

        def weight(index: int) -> bytes:
            return hashlib.sha256(f"{index}/{name}".encode()).digest()

        return self.index == max(range(self.count), key=weight)
