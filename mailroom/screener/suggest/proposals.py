"""Proposals of categories for the senders with the most mail. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from mailroom.contacts.index import ContactIndex
from mailroom.screener.model.categories import Categories, Category
from mailroom.screener.suggest.category_choice import category_for
from mailroom.screener.suggest.classify import Guess, classify
from mailroom.screener.suggest.signals import Signals, Tally


@dataclass(frozen=True, slots=True)
class Proposal:
    """A category for a sender.

    Attributes:
        signals: the signals in the sender's mail.
        guess: the kind that the sender seems to be of.
        category: the category for senders of this kind.
    """

    signals: Signals
    guess: Guess
    category: Category


@dataclass(frozen=True, slots=True)
class Proposals:
    """The undecided senders with the most mail, with and without a proposal.

    Attributes:
        mails: the number of mails that were read.
        made: the proposals, the sender with the most mail first.
        unclear: the signals of senders without a proposal, in the same order.
    """

    mails: int
    made: tuple[Proposal, ...]
    unclear: tuple[Signals, ...]


def propose(
    tally: Tally,
    categories: Categories,
    index: ContactIndex,
    is_decided: Callable[[str], bool],
    *,
    limit: int,
) -> Proposals:
    """Propose categories for the senders with the most mail.

    Args:
        tally: the signals of all senders.
        categories: the categories.
        index: the address book.
        is_decided: returns True if there is a decision on a subject, by its key.
        limit: the largest number of proposals, and of senders without a proposal.
    """
    made: list[Proposal] = []
    unclear: list[Signals] = []
    for signals in tally.largest_first():
        if len(made) >= limit:
            break
        key = signals.subject.key
        if is_decided(key):
            continue
        guess = classify(signals, is_contact=index.knows(key))
        category = category_for(guess.kind, categories) if guess else None
        if guess and category:
            made.append(Proposal(signals, guess, category))
        elif len(unclear) < limit:
            unclear.append(signals)
    return Proposals(tally.mails, tuple(made), tuple(unclear))
