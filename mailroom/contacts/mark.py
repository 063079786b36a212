"""What Mailroom did to a card, so that it can take it back, as text that every backend can keep.

    made=<digest>              Mailroom made the card; digest over all it wrote
    FN=<digest> +ORG=<digest>  Mailroom filled FN, which was empty, and added ORG

A digest is over what a value means, not over its bytes: servers fold, escape and reorder, and add
parameters. The text holds nothing that they escape (``;`` and ``,``).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

_TOKEN: Final = re.compile(r"(?P<added>\+?)(?P<name>[A-Za-z]+)=(?P<digest>[0-9a-f]+)")
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Filled:
    """A field that Mailroom filled: a digest of the value, and whether it added the property."""

    digest: str
    added: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """What the text says.

    Attributes:
        made: the digest of a card that Mailroom made; empty for any other card.
        filled: property name -> what Mailroom put there.
    """

    made: str = ""
    filled: Mapping[str, Filled] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: str) -> Self:
        """Read the text. What makes no sense is left out."""
        made, filled = "", {}
        for token in _TOKEN.finditer(value):
            if token["name"] == "made":
                made = token["digest"]
            else:
                filled[token["name"]] = Filled(token["digest"], added=bool(token["added"]))
        return cls(made, filled)

    def __str__(self) -> str:
        tokens = [f"made={self.made}"] if self.made else []
        for name, each in self.filled.items():
            tokens.append(f"{'+' if each.added else ''}{name}={each.digest}")
        return " ".join(tokens)


def digest(value: object) -> str:
    """A digest of what a value means, in whatever order servers give it."""
    data = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(data).hexdigest()[:_DIGITS]
