"""A whole pass as pure values: what is planned for an account, and what the account is after it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mailroom.contacts.model import Card, Names
from mailroom.jmap.mail import Email
from mailroom.screener.model.categories import DEFAULTS
from mailroom.screener.model.sender import sender_key
from mailroom.screener.passes.plan import MailsByKey, plan_filing
from mailroom.screener.passes.replan import replan_labelled_patches
from tests.support.domain.account_model import Account
from tests.support.domain.builders import (
    PLACES,
    card,
    mail,
)

BOB = "Bob Builder <bob@corp.com>"
ME = "Me <me@home.example>"


def after_pass(*mails: Email, cards: Iterable[Card] = ()) -> dict[str, set[str]]:
    account = Account.of(*mails, cards=cards)
    account.run()
    return account.where()


# Exactly the sender's mail


@pytest.mark.parametrize(
    "other",
    [
        "Bob Builder <notbob@corp.com>",
        "Bob Builder <bob@corp.com.example>",
        "bob@sub.corp.com",
        "bob+tag@corp.com",
        "ob@corp.com",
        "bob@corp.com <evil@elsewhere.example>",
        "Bob <bob@corp.com> <evil@elsewhere.example>",
    ],
)
def test_mail_of_similar_senders_stays(other: str) -> None:
    where = after_pass(
        mail("Screener", "@ToFeed", sender=BOB), mail("Screener", email_id="other", sender=other)
    )

    assert where == {"m1": {"Feed"}, "other": {"Screener"}}


@pytest.mark.parametrize("same", ["BOB@Corp.COM", "Robert <bob@corp.com>", " <bob@corp.com>"])
def test_the_same_address_written_differently_is_swept(same: str) -> None:
    where = after_pass(
        mail("Screener", "@ToFeed", sender=BOB), mail("Screener", email_id="same", sender=same)
    )

    assert where["same"] == {"Feed"}


@pytest.mark.parametrize(
    "sender", [(BOB, "Al <al@corp.com>"), (), "X <>"], ids=["two addresses", "none", "empty"]
)
def test_mail_that_may_be_anybodys_is_not_swept(sender: str | tuple[str, ...]) -> None:
    odd = mail("Screener", email_id="odd", sender=sender)

    assert not list(MailsByKey([odd], sender_key).of(["bob@corp.com", "al@corp.com", ""]))
    assert after_pass(mail("Screener", "@ToFeed", sender=BOB), odd)["odd"] == {"Screener"}


def test_mail_of_all_addresses_on_the_card_is_swept() -> None:
    three = card("bob", "bob@corp.com", "Bob@Home.example", "b@old.example", "me@home.example")
    senders = ["bob@home.example", "B@old.example", "c@old.example", "me@home.example"]
    mails = [mail("Screener", email_id=each, sender=each) for each in senders]
    where = after_pass(mail("Screener", "@ToFeed", sender=BOB), *mails, cards=[three])

    assert where == {
        "m1": {"Feed"},
        "bob@home.example": {"Feed"},
        "B@old.example": {"Feed"},
        "c@old.example": {"Screener"},
        "me@home.example": {"Screener"},
    }


@pytest.mark.parametrize("place", ["Trash", "Spam", "Archive"])
def test_a_label_decides_on_the_sender_wherever_the_mail_lies(place: str) -> None:
    where = after_pass(
        mail(place, "@ToJail", sender=BOB), mail("Screener", email_id="m2", sender=BOB)
    )

    assert where["m2"] == {"Jail"}


def test_a_labelled_mail_is_filed_once_and_last() -> None:
    (filing,) = (
        Account.of(
            mail("Screener", "@ToFeed", sender=BOB), mail("Screener", email_id="m2", sender=BOB)
        )
        .plan()
        .filings
    )

    assert set(filing.swept_patches) == {"m2"}
    assert set(filing.labelled_patches) == {"m1"}


def test_mail_that_is_in_its_place_is_not_written() -> None:
    account = Account.of(
        mail("Screener", "@ToFeed", sender=BOB), mail("Feed", email_id="m2", sender=BOB)
    )

    assert not account.plan().filings[0].swept_patches


def test_a_mail_that_was_labelled_after_the_decision_is_left_to_the_next_pass() -> None:
    decided = Account.of(mail("Screener", "@ToFeed", sender=BOB)).plan().filings[0].decision
    mails = [
        mail("Screener", "@ToJail", email_id="just labelled", sender=BOB),
        mail("Screener", email_id="other", sender=BOB),
    ]

    assert set(
        plan_filing(decided, MailsByKey(mails, sender_key), PLACES, DEFAULTS).swept_patches
    ) == {"other"}


def test_each_sender_goes_where_its_own_label_says() -> None:
    al = "Al <al@corp.com>"
    where = after_pass(
        mail("Screener", "@ToFeed", sender=BOB),
        mail("Screener", "@ToJail", email_id="m2", sender=al),
        mail("Screener", email_id="m3", sender=BOB),
        mail("Screener", email_id="m4", sender=al),
    )

    assert where == {"m1": {"Feed"}, "m2": {"Jail"}, "m3": {"Feed"}, "m4": {"Jail"}}


def test_nothing_labelled_is_nothing_to_do() -> None:
    assert Account.of(mail("Screener", sender=BOB), mail("Inbox", email_id="m2")).plan().is_empty


@pytest.mark.parametrize(
    "labelled",
    [
        pytest.param(mail("Screener", "@ToFeed", sender=BOB), id="a decision"),
        pytest.param(mail("Screener", "@ToFeed", "@ToJail", sender=BOB), id="a conflict"),
        pytest.param(mail("Screener", "@ToFeed", sender=()), id="nobody"),
        pytest.param(mail("Sent", "@ToFeed", sender=ME), id="own mail"),
        pytest.param(mail("Screener", "@MailroomError", sender=BOB), id="a leftover"),
    ],
)
def test_anything_that_is_labelled_is_something_to_do(labelled: Email) -> None:
    assert not Account.of(labelled).plan().is_empty


# Labels without a decision

TWO_LABELS = mail("Screener", "@ToFeed", "@ToJail", sender=BOB)
TOGETHER = mail("Screener", "@ToJail", email_id="m2", sender="BOB@corp.com")


@pytest.mark.parametrize(
    "mails",
    [
        pytest.param([TWO_LABELS], id="on one mail"),
        pytest.param([mail("Screener", "@ToFeed", sender=BOB), TOGETHER], id="on two mails"),
        pytest.param([mail("Spam", "@ToFeed", sender=BOB), TOGETHER], id="one of them in Junk"),
    ],
)
def test_a_conflict_adds_the_error_label_to_the_labelled_mail_and_does_nothing_else(
    mails: list[Email],
) -> None:
    account = Account.of(*mails, mail("Screener", email_id="other", sender=BOB), cards=[card()])
    before, people = account.where(), account.people()
    account.run()

    marked = {each.id: before[each.id] | {"@MailroomError"} for each in mails}
    assert account.where() == before | marked
    assert account.people() == people
    assert account.plan().is_empty


@pytest.mark.parametrize(
    ("mails", "where"),
    [
        pytest.param(
            [mail("Screener", "@ToFeed", "@MailroomError", sender=BOB)],
            {"m1": {"Feed"}},
            id="one of two labels on a mail",
        ),
        pytest.param(
            [
                mail("Screener", "@ToFeed", "@MailroomError", sender=BOB),
                mail("Screener", "@MailroomError", email_id="m2", sender=BOB),
            ],
            {"m1": {"Feed"}, "m2": {"Feed"}},
            id="the label of one of two mails",
        ),
        pytest.param(
            [
                mail("Screener", "@ToFeed", "@MailroomError", sender=BOB),
                mail("Archive", "@MailroomError", email_id="m2", sender=BOB),
            ],
            {"m1": {"Feed"}, "m2": {"Archive"}},
            id="and that mail is archived",
        ),
        pytest.param(
            [mail("Screener", "@MailroomError", sender=BOB)], {"m1": {"Screener"}}, id="all labels"
        ),
        pytest.param(
            [mail("Screener", "@MailroomError", sender=())],
            {"m1": {"Screener"}},
            id="of a mail without From",
        ),
        pytest.param(
            [mail("@MailroomError", sender=BOB)],
            {"m1": {"Inbox"}},
            id="of a mail that was moved into it",
        ),
        pytest.param(
            [
                mail("Screener", "@ToFeed", "@MailroomError", sender=BOB),
                mail("Screener", "@ToFeed", "@MailroomError", email_id="m2", sender=BOB),
            ],
            {"m1": {"Feed"}, "m2": {"Feed"}},
            id="the same label is left on both",
        ),
    ],
)
def test_as_soon_as_one_label_is_left_the_conflict_heals(
    mails: list[Email], where: dict[str, set[str]]
) -> None:
    assert after_pass(*mails) == where


@pytest.mark.parametrize(
    "sender", [(BOB, "Al <al@corp.com>"), (), "X <>"], ids=["two addresses", "none", "empty"]
)
def test_an_unusable_from_gets_the_error_label_once_and_nothing_moves(
    sender: str | tuple[str, ...],
) -> None:
    account = Account.of(mail("Screener", "@ToFeed", sender=sender))
    ((_, reason),) = account.plan().unusable
    account.run()

    assert reason
    assert account.where() == {"m1": {"Screener", "@ToFeed", "@MailroomError"}}
    assert account.people() == {}
    assert account.plan().is_empty


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Sent", "@ToJail"}, {"Sent"}),
        ({"Drafts", "@ToJail"}, {"Drafts"}),
        ({"Inbox", "Projects", "@ToJail", "@ToFeed"}, {"Inbox", "Projects"}),
        ({"Screener", "@ToJail", "@MailroomError"}, {"Screener"}),
        ({"@ToJail"}, {"Sent"}),
    ],
)
def test_own_mail_only_loses_the_label(before: set[str], after: set[str]) -> None:
    account = Account.of(
        mail(*before, sender=ME),
        mail("Sent", email_id="m2", sender=ME),
        mail("Screener", email_id="m3", sender=ME),
    )
    account.run()

    assert account.where() == {"m1": after, "m2": {"Sent"}, "m3": {"Screener"}}
    assert account.people() == {}


def test_own_mail_under_an_address_of_the_senders_card_loses_its_label_too() -> None:
    """In Sent under an address that is no identity, but stands on the labelled sender's card."""
    shared = card("both", "bob@corp.com", "alias@corp.com")
    mine = mail("Sent", "@ToFeed", "@MailroomError", email_id="m2", sender="alias@corp.com")
    where = after_pass(mail("Screener", "@ToFeed", sender=BOB), mine, cards=[shared])

    assert where == {"m1": {"Feed"}, "m2": {"Sent"}}


def test_one_odd_mail_stops_nobody_else() -> None:
    where = after_pass(
        mail("Screener", "@ToFeed", "@ToJail", email_id="torn", sender="al@corp.com"),
        mail("Screener", "@ToFeed", email_id="nobody", sender=()),
        mail("Sent", "@ToFeed", email_id="mine", sender=ME),
        mail("Screener", "@ToFeed", email_id="fine", sender=BOB),
    )

    assert where == {
        "torn": {"Screener", "@ToFeed", "@ToJail", "@MailroomError"},
        "nobody": {"Screener", "@ToFeed", "@MailroomError"},
        "mine": {"Sent"},
        "fine": {"Feed"},
    }


# Names that do not fit

BOBS = card("bob", "bob@corp.com", names=Names("Bob Builder", "Bob", "Builder"))
BANK = "Your Bank <bob@corp.com>"


def test_a_mismatch_is_marked_on_the_labelled_mail_only_and_triage_goes_on() -> None:
    where = after_pass(
        mail("Screener", "@ToFeed", sender=BANK),
        mail("Screener", "@ToFeed", email_id="m2", sender=BOB),
        mail("Screener", email_id="m3", sender=BANK),
        cards=[BOBS],
    )

    assert where == {"m1": {"Feed", "@MailroomWarning"}, "m2": {"Feed"}, "m3": {"Feed"}}


def test_a_later_clean_triage_takes_the_warning_off_wherever_the_mail_is() -> None:
    where = after_pass(
        mail("Feed", "@ToPaperTrail", sender=BOB),
        mail("Feed", "@MailroomWarning", email_id="m2", sender=BANK),
        mail("Archive", "@MailroomWarning", email_id="m3", sender=BANK),
        mail("Trash", "@MailroomWarning", email_id="m4", sender=BANK),
        mail("Feed", "@MailroomWarning", email_id="al", sender="al@corp.com"),
        cards=[BOBS],
    )

    assert where == {
        "m1": {"Paper Trail"},
        "m2": {"Paper Trail"},
        "m3": {"Archive"},
        "m4": {"Trash"},
        "al": {"Feed", "@MailroomWarning"},
    }


# Changes of mind


def relabel(account: Account, email_id: str, label: str) -> None:
    email = account.mails[email_id]
    account.mails[email_id] = replace(email, mailbox_ids=email.mailbox_ids | {label})
    account.run()


def test_every_change_of_mind_moves_contact_and_mail() -> None:
    account = Account.of(mail("Screener", sender=BOB), mail("Screener", email_id="m2", sender=BOB))
    relabel(account, "m1", "@ToFeed")
    relabel(account, "m2", "@ToPerson")
    relabel(account, "m1", "@ToPaperTrail")

    ((names, note, groups),) = account.people().values()
    assert account.where() == {"m1": {"Paper Trail"}, "m2": {"Paper Trail"}}
    assert groups == {"Paper Trail", "Mailroom"}
    assert names == Names(full="Bob Builder", organization="Bob Builder")
    assert note.split("\n") == [
        "Triaged to Feed on 2026-02-25 at 14:03",
        "Re-triaged to Person on 2026-02-25 at 14:03",
        "Re-triaged to Paper Trail on 2026-02-25 at 14:03",
    ]


@pytest.mark.parametrize("label", [label for label in PLACES.labels if label != "@ToScreener"])
def test_undo_leaves_nothing_of_a_decision(label: str) -> None:
    account = Account.of(
        mail("Screener", sender=BOB),
        mail("Screener", email_id="m2", sender=BOB),
        mail("Archive", email_id="m3", sender=BOB),
    )
    before = account.where()
    relabel(account, "m1", label)
    relabel(account, "m2", "@ToScreener")

    assert account.where() == before
    assert account.people() == {}
    assert not any(each.members for each in account.contacts.groups.values())


# Any account at all

SENDERS = [
    "Bob Builder <bob@corp.com>",
    "BOB@corp.com",
    "Bobby <bob@home.example>",
    "Your Bank <bob@corp.com>",
    "al@corp.com",
    ME,
    "X <>",
]
BOXES = ["Screener", "Inbox", "Feed", "Imbox", "Person", "Archive", "Trash", "Sent", "Spam"]
LABELS = [
    *("@ToFeed", "@ToPerson", "@ToScreener", "@ToSpam", "@WholeDomain", "@ThisList"),
    *("@MailroomError", "@MailroomWarning"),
]
PLACED = st.builds(
    frozenset.union,
    st.frozensets(st.sampled_from(BOXES), max_size=2),
    st.frozensets(st.sampled_from(LABELS), max_size=2),
).filter(bool)
LISTS = [("", ""), ("<dev.lists.org>", "<mailto:dev@lists.org>"), ("News <news.corp.com>", "NO")]
MAILS = st.lists(
    st.tuples(PLACED, st.sampled_from(SENDERS), st.sampled_from(LISTS)), min_size=1, max_size=6
)
MADE = card(
    "made",
    "bob@corp.com",
    names=Names(full="Bob", organization="Bob"),
    note="Triaged to Feed on 2026-01-01",
    made_by_us=True,
    untouched=True,
)
OWN = st.lists(
    st.builds(
        card,
        st.sampled_from(["one", "other"]),
        st.just("bob@corp.com"),
        st.sampled_from(["bob@home.example", "b@old.example", "me@home.example"]),
        names=st.sampled_from(
            [Names(), Names("Bob Builder", "Bob", "Builder"), Names("Al Mason", "Al", "Mason")]
        ),
        note=st.sampled_from(["", "Mine.", "Triaged to Jail on 2026-01-01"]),
    ),
    max_size=2,
    unique_by=lambda each: each.uid,
)
CARDS = st.one_of(OWN, OWN.map(lambda cards: [MADE, *cards]))
MEMBERS = st.dictionaries(
    st.sampled_from(["Feed", "Imbox", "Mailroom", "Friends"]),
    st.sets(st.sampled_from(["one", "other", "made"])),
)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """A small account in whatever state."""
    mails = [
        replace(
            mail(*boxes, email_id=f"m{at}", sender=sender, received=f"2026-02-{at + 10}"),
            list_id=list_id,
            list_post=list_post,
        )
        for at, (boxes, sender, (list_id, list_post)) in enumerate(draw(MAILS))
    ]
    cards = draw(CARDS)
    known = {each.uid for each in cards}
    members = {name: uids & known for name, uids in draw(MEMBERS).items()}
    return Account.of(*mails, cards=cards, members=members)


def copy(account: Account) -> Account:
    return Account(dict(account.mails), account.contacts)


@given(accounts())
def test_after_a_pass_there_is_nothing_left_to_do(account: Account) -> None:
    """A label like ``@ThisList`` alone may wait for a decision that this very pass makes."""
    account.run()
    account.run()

    assert account.plan().is_empty


@given(accounts())
def test_a_pass_leaves_every_mail_somewhere_and_touches_what_is_not_its_own_never(
    account: Account,
) -> None:
    before, friends = account.where(), friends_of(account)
    account.run()
    for email_id, boxes in account.where().items():
        moved = boxes ^ before[email_id]

        assert boxes
        assert not moved & {"Archive", "Trash"}
        assert "Sent" not in moved or before[email_id] <= PLACES.all_labels
        if before[email_id] & {"Trash", "Sent"}:
            assert moved <= PLACES.all_labels
    assert friends_of(account) == friends


@given(account=accounts(), data=st.data())
@settings(max_examples=500)
def test_a_pass_that_is_killed_anywhere_is_finished_by_the_next_one(
    account: Account, data: st.DataObject
) -> None:
    """Warnings aside: they come off with a clean triage, which the second pass may be."""
    assume(not undoes_what_another_label_decides(account))
    assume(not waits_beside_cards_of_several_addresses(account))
    undisturbed, killed = copy(account), copy(account)
    undisturbed.run()
    writes = sum(1 for _ in account.steps(account.plan()))
    killed.run(stop_after=data.draw(st.integers(0, writes)))
    killed.run()
    for each in (undisturbed, killed):
        each.run()

    assert without_warnings(killed) == without_warnings(undisturbed)
    assert killed.people() == undisturbed.people()
    assert killed.plan().is_empty


def test_a_label_that_only_widens_goes_before_the_label_whose_decision_it_follows() -> None:
    """Else a pass that is killed in between would leave it to follow another decision."""
    posts = [
        replace(mail(label, email_id=label), list_id=LISTS[1][0], list_post=LISTS[1][1])
        for label in ("@ToPerson", "@ThisList")
    ]
    account = Account.of(mail("@ToFeed", email_id="letter"), *posts)
    plan = account.plan()
    of_list, of_sender = (list(filing.labelled_patches) for filing in plan.filings)
    assert of_list == ["@ThisList", "@ToPerson"]
    assert of_sender == ["letter"]
    anew = replan_labelled_patches(plan, plan.filings, account.mails.values(), DEFAULTS)
    assert list(anew).index("@ThisList") < list(anew).index("@ToPerson")


def undoes_what_another_label_decides(account: Account) -> bool:
    """A post may go back to the Screener while its list, or its sender, gets another answer.

    Both places are right. A pass that is killed may leave the post in the one, an undisturbed pass
    in the other.
    """
    labels = PLACES.tap_labels - {"@ToScreener"}
    tapped = [each for each in account.mails.values() if each.mailbox_ids & labels]
    return any(
        post.list_id
        and "@ToScreener" in post.mailbox_ids
        and other is not post
        and (
            other.list_id == post.list_id
            or other.from_[0].email.lower() == post.from_[0].email.lower()
        )
        for post in account.mails.values()
        for other in tapped
    )


def waits_beside_cards_of_several_addresses(account: Account) -> bool:
    """A label like ``@WholeDomain`` alone learns only from the address book that a card is shared.

    So it may take one pass more, which then finds what other labels have left.
    """
    scopes, answers = {PLACES.domain_label, PLACES.list_label}, PLACES.labels.keys()
    alone = any(
        each.mailbox_ids & scopes and not each.mailbox_ids & answers
        for each in account.mails.values()
    )
    return alone and any(len(each.addresses) > 1 for each in account.contacts.cards.values())


def friends_of(account: Account) -> frozenset[str]:
    """Who is in the group of the address book's owner."""
    return frozenset().union(
        *(each.members for each in account.contacts.groups.values() if each.name == "Friends")
    )


def without_warnings(account: Account) -> dict[str, set[str]]:
    return {email_id: boxes - {"@MailroomWarning"} for email_id, boxes in account.where().items()}
