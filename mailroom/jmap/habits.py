"""Limitations of a mail server, learned from its answers. Pure."""

from collections.abc import Iterator
from enum import Enum


class Limitation(Enum):
    """Something that a server cannot do.

    The value is a sentence for people: what the server cannot do, and what Mailroom does instead.
    """

    SEVERAL_MAILBOXES = (
        "a search in several mailboxes at once is refused: the search names all other mailboxes "
        "instead (inMailboxOtherThan)"
    )
    EXCLUDED_MAILBOXES = (
        "a search that leaves mailboxes out is refused: mailboxes are searched one by one"
    )
    HEADERS = (
        "a search by header does not find all mail: mailboxes are listed, and the senders are read "
        "from the mail itself"
    )
    TOTALS = "the total of a search is missing or wrong: pages are read until one is empty"
    LAST_POSITION = (
        "a search cannot be read from its end, so nothing proves that a search by header finds all "
        "mail: mailboxes are listed, and the senders are read from the mail itself"
    )
    STATES = (
        "an update is carried out in another state than was asked for (ifInState): updated mail is "
        "read again, and put where its owner moved it meanwhile"
    )
    WHOLE_LISTS = "a list of everything is cut off: the rest is read by its ids"


class Habits:
    """The limitations of one account's server, as far as they are known.

    Attributes:
        states_are_proven: True if an update in an outdated state was refused.
        totals_are_proven: True if a total was larger than the page that it came with.
    """

    def __init__(self) -> None:
        self._known: set[Limitation] = set()
        self.states_are_proven = False
        self.totals_are_proven = False

    def __contains__(self, limitation: Limitation) -> bool:
        return limitation in self._known

    def __iter__(self) -> Iterator[Limitation]:
        """Iterate over the known limitations, in the order of :class:`Limitation`."""
        return (limitation for limitation in Limitation if limitation in self._known)

    @property
    def searches_are_exact(self) -> bool:
        """False if searches by header lack mail, or if nothing proves that they find all mail."""
        return self._known.isdisjoint({Limitation.HEADERS, Limitation.LAST_POSITION})

    def learn(self, limitation: Limitation) -> None:
        """Remember a limitation for as long as the process lives."""
        self._known.add(limitation)

    def weigh_total(self, total: int | None, length: int) -> None:
        """Learn from the total that came with a page of ``length`` ids.

        A total that is larger than the page proves that the server counts the whole result.
        """
        if total is None:
            self._known.add(Limitation.TOTALS)
        elif total > length:
            self.totals_are_proven = True
        elif total < length:
            self._known.add(Limitation.TOTALS)

    @property
    def trusts_totals(self) -> bool:
        """True if the totals of searches can be relied on."""
        return self.totals_are_proven and Limitation.TOTALS not in self._known
