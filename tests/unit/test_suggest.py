"""Proposals as a person reads them, and as data."""

from mailroom.admin.suggest import Suggestions
from mailroom.contacts.index import ContactIndex
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.suggest.proposals import Proposals, propose
from mailroom.screener.suggest.signals import Correspondence, Tally
from tests.support.domain.builders import NOW
from tests.unit.test_suggest_signals import DEV, headers

NEWS = "Loom Weekly <news@loom.example>"
POSTERS = ("a@a.example", "b@b.example")


def suggestions(*, limit: int = 50) -> Suggestions:
    """Proposals for a newsletter, a mailing list and a shop; none for strangers."""
    tally = Tally(Correspondence(), ["alice@example.com"], ContactIndex(), NOW)
    tally.add(headers(NEWS, f"Issue \x1b{n}", keywords=frozenset({"$seen"})) for n in range(3))
    tally.add(headers(poster, "Re: warp", **DEV) for poster in POSTERS)
    tally.add([headers("orders@shop.example", "Your order 4711")])
    tally.add(headers(f"Sam\x07 <sam{n}@far.example>") for n in range(7))
    found = propose(
        tally, DEFAULTS, ContactIndex(), lambda key: key == "sam6@far.example", limit=limit
    )
    return Suggestions(found)


def test_the_lines_for_a_person() -> None:
    about = "1 of 1 subject line about orders, invoices or deliveries"
    assert list(suggestions().text()) == [
        "  1  Feed         Loom Weekly <news@loom.example>",
        "                  3 mails, 3 read: newsletter, the address is one of newsletters",
        '                  "Issue \\x1b0"',
        '                  "Issue \\x1b1"',
        "  2  Feed         Dev <dev.lists.example>",
        "                  2 mails, 0 read: mailing list, 2 senders in this mailing list",
        '                  "Re: warp"',
        "  3  Paper Trail  orders@shop.example",
        f"                  1 mail, 0 read: receipts, {about}",
        '                  "Your order 4711"',
        "Senders without a proposal, because nothing shows their kind:",
        *(f"     Sam <sam{n}@far.example>, 1 mail, 0 read" for n in range(5)),
        "     and 1 more",
    ]


def test_nothing_to_propose() -> None:
    nothing = Suggestions(Proposals(0, (), ()))
    assert list(nothing.text()) == ["Nothing to propose."]


def test_the_data() -> None:
    data = suggestions(limit=2).data()
    assert (data["mails_read"], data["days"]) == (13, 365)
    assert data["proposals"][1] == {
        "number": 2,
        "category": "Feed",
        "kind": "mailing list",
        "reason": "2 senders in this mailing list",
        "who": "dev.lists.example",
        "kind_of_subject": "list",
        "name": "Dev",
        "mails": 2,
        "read": 0,
        "answered": 0,
        "written": 0,
        "subjects": ["Re: warp"],
    }
    assert [proposal["who"] for proposal in data["proposals"]] == [
        "news@loom.example",
        "dev.lists.example",
    ]
    assert data["unclear"] == []
