"""Which spellings are the same address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.address import key_of, spellings
from mailroom.contacts.index import ContactIndex, IndexBuilder
from mailroom.contacts.model import Card
from mailroom.jmap.habits import Habits
from mailroom.screener.model.sender import Sender, is_own
from mailroom.screener.model.subject import Subject
from mailroom.screener.search.filters import Mailboxes
from mailroom.screener.search.people import SENDERS, filters_for
from mailroom.screener.triage.contacts import find_contacts
from mailroom.screener.triage.labelled import LabelledMail
from tests.support.domain.builders import groups, mail

READABLE = "bob@bücher.example"
WIRE = "bob@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        pytest.param("Bob@Corp.Example", "bob@corp.example", id="case"),
        pytest.param(READABLE, WIRE, id="an international domain"),
        pytest.param("bob@BÜCHER.example", WIRE, id="its case"),
        pytest.param("bob@bu\u0308cher.example", WIRE, id="decomposed"),
        pytest.param("bob@XN--BCHER-KVA.example", WIRE, id="as it is sent"),
        pytest.param("bob@bücher。example", WIRE, id="another full stop"),
        pytest.param("zoë@corp.example", "zoë@corp.example", id="an international local part"),
        pytest.param("*@bücher.example", "*@xn--bcher-kva.example", id="a whole domain"),
        pytest.param("bob@my_host.example", "bob@my_host.example", id="an underscore"),
        pytest.param("bob@ü_.example", "bob@ü_.example", id="not a valid host name"),
        pytest.param("bob@" + "ü" * 80, "bob@" + "ü" * 80, id="too long for one"),
        pytest.param("bob@..ü", "bob@..ü", id="empty labels"),
        pytest.param("bücher", "bücher", id="no address at all"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_addresses_are_compared_by_their_key(written: str, key: str) -> None:
    assert key_of(written) == key


@given(
    st.text()
    | st.from_regex(
        r"[a-z]{1,3}@[ÄÖÜäöüß\uff41-\uff5a.\u0300-\u036f\u05d0-\u05ea-]{1,20}", fullmatch=True
    )
)
def test_every_text_has_one_key(text: str) -> None:
    assert key_of(key_of(text)) == key_of(text)


def test_what_an_address_may_look_like_in_a_mail() -> None:
    assert spellings("bob@corp.example") == ("bob@corp.example",)
    assert spellings(WIRE) == (WIRE, READABLE)
    assert spellings("bob@xn--a.example") == ("bob@xn--a.example",)


def index_of(address: str) -> ContactIndex:
    """Return an index with one card."""
    builder = IndexBuilder()
    builder.put_card("1", "uid", [address])
    return builder.build()


def test_a_sender_is_the_contact_however_the_domain_is_spelt() -> None:
    for written, on_card in ((WIRE, READABLE), (READABLE, WIRE)):
        sender = Sender(written)
        index = index_of(on_card)
        assert index.uids_standing_for(written) == {"uid"}
        assert index.ids_of([written]) == {"1"}
        card = Card(id="1", uid="uid", addresses=(on_card,))
        tapped = LabelledMail(
            mail(sender=written), sender, frozenset({"label"}), Subject(sender.key)
        )
        (contact,) = find_contacts({sender.key: [tapped]}, [card], (), index, groups())
        assert contact.cards == (card,)
        assert contact.keys == {WIRE}


def test_a_whole_domain_is_one_however_it_is_spelt() -> None:
    index = index_of("*@bücher.example")
    assert index.uids_standing_for("anybody@xn--bcher-kva.example") == {"uid"}


def test_the_users_own_address_is_theirs_however_it_is_spelt() -> None:
    assert is_own(WIRE, [READABLE])
    assert is_own(READABLE, [WIRE])


def test_mail_is_searched_for_in_both_spellings() -> None:
    found, _ = filters_for(SENDERS, {WIRE}, Mailboxes(frozenset({"m"})), Habits())
    _, written = found["conditions"]
    assert {"from": WIRE} in written["conditions"]
    assert {"from": READABLE} in written["conditions"]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ('"a b"@corp.example', "a b@corp.example"),
        ("a b@corp.example", "a b@corp.example"),
        ('"bob"@corp.example', "bob@corp.example"),
        (r'"a\"b\\c"@corp.example', r'a"b\c@corp.example'),
        ('"*"@corp.example', '"*"@corp.example'),
    ],
)
def test_quotes_around_the_local_part_are_no_part_of_the_address(written: str, key: str) -> None:
    assert key_of(written) == key


def test_a_local_part_that_needs_quotes_is_looked_for_with_and_without() -> None:
    assert spellings("a b@corp.example") == ("a b@corp.example", '"a b"@corp.example')
    assert spellings("bob@corp.example") == ("bob@corp.example",)
    assert spellings("*@corp.example") == ("*@corp.example",)
