"""``mailroom suggest``: proposes categories for the senders with the most mail. Reads only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailroom.account import Account
from mailroom.admin.defaults import DEFAULT_LIMIT
from mailroom.admin.ticks import ticked
from mailroom.contacts.address import key_of
from mailroom.report import printable
from mailroom.report.common import account_option, counted
from mailroom.screener.model.categories import Answer
from mailroom.screener.model.subject import Subject
from mailroom.screener.passes.gather import Gatherer
from mailroom.screener.passes.reading import AccountReader
from mailroom.screener.suggest.proposals import Proposal, Proposals, propose
from mailroom.screener.suggest.reading import PERIOD, Reader, ShowProgress
from mailroom.screener.suggest.signals import Signals

_UNCLEAR_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Suggestions:
    """The proposals for one account.

    Attributes:
        proposals: the proposals, and the senders without one.
        account: the name of one of several accounts; else empty.
        limit: the largest number of proposals.
    """

    proposals: Proposals
    account: str
    limit: int = DEFAULT_LIMIT

    @property
    def made(self) -> Sequence[Proposal]:
        """The proposals, in the order of their numbers."""
        return self.proposals.made

    def ticked(self, text: str) -> dict[Subject, Answer]:
        """Return the decisions that a text ticks.

        Raises:
            TickError: as :func:`mailroom.admin.ticks.ticked`.
        """
        senders = [str(proposal.signals.subject) for proposal in self.made]
        proposals = [self.made[position] for position in ticked(text, senders)]
        return {proposal.signals.subject: proposal.category for proposal in proposals}

    def text(self) -> Iterator[str]:
        """Return the proposals in lines for a terminal."""
        if not self.made:
            yield "Nothing to propose."
        width = max((len(printable(proposal.category.name)) for proposal in self.made), default=0)
        for number, proposal in enumerate(self.made, 1):
            signals, category = proposal.signals, printable(proposal.category.name)
            yield f"{number:3}  {category:{width}}  {_named(signals)}"
            margin = " " * (width + 7)
            yield f"{margin}{_counts(signals)}: {proposal.guess.kind}, {proposal.guess.reason}"
            yield from (f'{margin}"{printable(line)}"' for line in signals.subject_lines)
        if unclear := self.proposals.unclear:
            shown = [f"{_named(signals)}, {_counts(signals)}" for signals in unclear]
            yield "Senders without a proposal, because nothing shows their kind:"
            yield from (f"     {line}" for line in shown[:_UNCLEAR_SHOWN])
            if len(shown) > _UNCLEAR_SHOWN:
                yield f"     and {len(shown) - _UNCLEAR_SHOWN} more"

    def advice(self) -> str:
        """Return the next step for the user."""
        read = f"{self.proposals.mails} mails of the last {PERIOD.days} days were read."
        if not self.made:
            return f"{read} Nothing was changed."
        # The command proposes anew. With another limit, "all" would not be the proposals shown now.
        limit = "" if self.limit == DEFAULT_LIMIT else f" --limit {self.limit}"
        command = "mailroom suggest" + account_option(self.account) + limit
        return (
            f"{read} Nothing was changed; to decide as proposed:\n"
            f"  {command} --apply all    or some: --apply 1,3,7-9 or --apply ann@loom.example"
        )

    def data(self) -> dict[str, Any]:
        """Return the proposals as JSON data."""
        return {
            "mails_read": self.proposals.mails,
            "days": PERIOD.days,
            "proposals": [
                {
                    "number": number,
                    "category": proposal.category.name,
                    "kind": proposal.guess.kind.value,
                    "reason": proposal.guess.reason,
                    **_sender_data(proposal.signals),
                }
                for number, proposal in enumerate(self.made, 1)
            ],
            "unclear": [_sender_data(signals) for signals in self.proposals.unclear],
        }


async def suggest(account: Account, limit: int, show_progress: ShowProgress) -> Suggestions:
    """Read the mail of the last year, and propose categories for the senders with the most mail.

    Args:
        account: the account.
        limit: the largest number of proposals.
        show_progress: called as the work goes on.

    Raises:
        HttpError, JmapError, AddressBookError: a server cannot be used as it should.
        MissingError: the account lacks mailboxes or contact groups.
    """
    settings = account.settings
    categories, layout = settings.categories, settings.screener.layout
    mail, book = await account.mail(), await account.book()
    gatherer = Gatherer(mail, categories, layout, new_mail_finder=None)
    account_reader = AccountReader(gatherer, book, categories, layout, server=mail.client.host)
    gathered, snapshot = await account_reader.gather()
    own = [key_of(address) for address in gathered.own_addresses]
    reader = Reader(mail, gathered.places, show_progress)
    tally = await reader.tally(own, snapshot.index)
    standing = account_reader.reading(gathered, snapshot).decisions.standing
    proposals = propose(
        tally,
        categories,
        snapshot.index,
        lambda key: bool(standing.categories_for(key)),
        limit=limit,
    )
    return Suggestions(proposals, settings.name, limit)


def _named(signals: Signals) -> str:
    """Return a sender as ``Ann <ann@loom.example>``; other commands take the part in brackets."""
    who = printable(str(signals.subject))
    return f"{printable(signals.name)} <{who.strip('<>')}>" if signals.name else who


def _counts(signals: Signals) -> str:
    return f"{counted(signals.mails, 'mail')}, {signals.read} read"


def _sender_data(signals: Signals) -> dict[str, Any]:
    return {
        "who": str(signals.subject),
        "kind_of_subject": signals.subject.kind.value,
        "name": signals.name,
        "mails": signals.mails,
        "read": signals.read,
        "answered": signals.answered,
        "written": signals.written,
        "subjects": list(signals.subject_lines),
    }
