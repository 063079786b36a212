"""Who sent a mail: exactly one usable address, or a reason why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.mail import EmailAddress
from mailroom.screener.model.sender import (
    Sender,
    UnusableFromError,
    is_address,
    is_own,
    may_be_own,
    sender_of,
)
from tests.support.domain.builders import mail


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("bob@corp.example", Sender("bob@corp.example"), id="address alone"),
        pytest.param("Bob <bob@corp.example>", Sender("bob@corp.example", "Bob"), id="with name"),
        pytest.param("Bob <BOB@Corp.Example>", Sender("BOB@Corp.Example", "Bob"), id="as written"),
        pytest.param("Bob < bob@corp.example >", Sender("bob@corp.example", "Bob"), id="blanks"),
        pytest.param(
            "alice@corp.example <bob@corp.example>",
            Sender("bob@corp.example", "alice@corp.example"),
            id="somebody else's address for a name",
        ),
        pytest.param(
            '"odd name"@corp.example', Sender('"odd name"@corp.example'), id="quoted local part"
        ),
        pytest.param("zoë@corp.example", Sender("zoë@corp.example"), id="international address"),
    ],
)
def test_the_sender_is_the_one_address(written: str, expected: Sender) -> None:
    assert sender_of(mail(sender=written)) == expected


@pytest.mark.parametrize(
    "name",
    [
        "bob@corp.example",
        "BOB@corp.example",
        "'bob@corp.example'",
        '"bob@corp.example"',
        "  bob@corp.example ",
        '""',
        "",
    ],
)
def test_an_address_that_stands_for_a_name_is_no_name(name: str) -> None:
    assert sender_of(mail(sender=f"{name} <bob@corp.example>")).name == ""


@pytest.mark.parametrize(
    ("name", "tidy"),
    [
        pytest.param("Bob\r\n  Builder", "Bob Builder", id="folded"),
        pytest.param("Bob\tBuilder\x00", "Bob Builder", id="control codes"),
        pytest.param("Bob\u2028Builder", "Bob Builder", id="a line end of Unicode's"),
        pytest.param('"Bob Builder"', "Bob Builder", id="in quotes"),
        pytest.param("'Bob Builder'", "Bob Builder", id="in single quotes"),
        pytest.param('Bob "the" Builder', 'Bob "the" Builder', id="quotes inside"),
        pytest.param("' Bob Builder '", "Bob Builder", id="blanks in quotes"),
        pytest.param("O'Neil", "O'Neil", id="an apostrophe"),
        pytest.param("anna", "anna", id="the same letter at both ends"),
        pytest.param('"', '"', id="a lone quote"),
        pytest.param("Zoe\u0308 Mu\u0308ller", "Zo\u00eb M\u00fcller", id="decomposed"),
        pytest.param("Jürgen 👩‍🚀🧵", "Jürgen 👩‍🚀🧵", id="emoji of several parts"),
        pytest.param("日本語メール", "日本語メール", id="Japanese"),
    ],
)
def test_a_display_name_becomes_one_tidy_line(name: str, tidy: str) -> None:
    assert sender_of(mail(sender=f"{name} <bob@corp.example>")).name == tidy


@pytest.mark.parametrize(
    ("senders", "reason"),
    [
        pytest.param((), "missing or empty", id="no From, or an empty one"),
        pytest.param(("X <>",), "no usable address", id='"X" <>'),
        pytest.param(("<>",), "no usable address", id="nothing in brackets"),
        pytest.param(("bob",), "no usable address", id="no domain"),
        pytest.param(("bob@",), "no usable address", id="an empty domain"),
        pytest.param(("@corp.example",), "no usable address", id="no local part"),
        pytest.param(("bob@corp .example",), "no usable address", id="a blank in the domain"),
        pytest.param(("bob\n@corp.example",), "no usable address", id="a control code"),
        pytest.param(
            ("Bob <bob@corp.example>", "Al <al@corp.example>"), "2 addresses", id="two addresses"
        ),
        pytest.param(("Bob <bob@corp.example>", "X <>"), "2 addresses", id="one good, one empty"),
    ],
)
def test_a_from_that_names_nobody_or_several_cannot_be_used(
    senders: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(UnusableFromError, match=reason):
        sender_of(mail(sender=senders))


def test_several_from_fields_with_the_same_address_are_one_sender() -> None:
    twice = mail(sender=("Bob <bob@corp.example>", "Bob <BOB@corp.example>"))

    assert sender_of(twice).key == "bob@corp.example"


@pytest.mark.parametrize(
    "other",
    [
        "notbob@corp.com",
        "bob@corp.com.example",
        "bob@sub.corp.com",
        "bob+tag@corp.com",
        "b.ob@corp.com",
        "bob@corp.co",
        "ob@corp.com",
    ],
)
def test_a_similar_address_is_another_sender(other: str) -> None:
    assert Sender(other).key != Sender("bob@corp.com").key


@given(name=st.text(), address=st.text())
def test_whatever_a_server_says_gives_a_sane_sender_or_a_reason(name: str, address: str) -> None:
    email = mail()
    odd = type(email)("m", email.mailbox_ids, frozenset(), "", (EmailAddress(name, address),))
    try:
        sender = sender_of(odd)
    except UnusableFromError:
        assert not is_address(address.strip())
    else:
        assert is_address(sender.address)
        assert len(sender.name.splitlines()) <= 1
        assert sender.name == sender.name.strip()


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("me@home.example", True),
        ("ME@Home.example", True),
        ("printer@mine.example", False),
        ("*@mine.example", False),
        ("me@home.example.org", False),
        ("notme@home.example", False),
        ("me@sub.mine.example", False),
        ("me@notmine.example", False),
        ("me@mine.example.org", False),
        ("*@home.example", False),
    ],
)
def test_own_addresses_are_the_identities_without_asterisks(address: str, *, own: bool) -> None:
    assert is_own(address, ["Me@home.example", "*@Mine.example"]) is own


@pytest.mark.parametrize(
    ("address", "may_be"),
    [
        ("printer@mine.example", True),
        ("Printer@MINE.example", True),
        ("me@home.example", False),
        ("me@sub.mine.example", False),
        ("me@notmine.example", False),
    ],
)
def test_anybody_at_a_domain_with_an_asterisk_may_be_the_user(
    address: str, *, may_be: bool
) -> None:
    assert may_be_own(address, ["Me@home.example", "*@Mine.example"]) is may_be


def test_without_identities_nobody_is_the_user() -> None:
    assert not is_own("me@home.example", [])
