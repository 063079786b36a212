"""A mail in the owner's mail app."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """A mail as its owner sees it."""

    id: str
    subject: str
    mailboxes: frozenset[str]
    keywords: frozenset[str]
