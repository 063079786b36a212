"""What the server is asked for, to find at least all mail of some senders."""

import itertools
from typing import Any

import pytest

from mailroom.jmap.mail import Filter
from mailroom.screener.filters import in_any_of
from mailroom.screener.gather import Sweep

MAILBOXES = frozenset({"Screener", "Feed"})


def addresses(count: int) -> frozenset[str]:
    return frozenset(f"sender{number}@corp.example" for number in range(count))


def asked_for(email_filter: Any) -> tuple[set[str], set[str], set[str]]:
    """The mailboxes of a filter, and the addresses it asks for in both ways."""
    where, who = email_filter["conditions"]
    assert email_filter["operator"] == "AND"
    assert where["operator"] == who["operator"] == "OR"
    indexed = {each["from"] for each in who["conditions"] if "from" in each}
    read = {
        "@".join(part["header"][1] for part in each["conditions"] if part["header"][0] == "From")
        for each in who["conditions"]
        if each.get("operator") == "AND"
    }
    assert len(who["conditions"]) == len(indexed) + len(read)
    return {each["inMailbox"] for each in where["conditions"]}, indexed, read


@pytest.mark.parametrize("count", [1, 2, 50, 51, 60, 120])
def test_every_sender_is_asked_for_once_by_the_index_and_once_by_the_header(count: int) -> None:
    parts = [asked_for(each) for each in Sweep(addresses(count), MAILBOXES).filters()]
    indexed = [address for _, of_part, _ in parts for address in of_part]
    read = [address for _, _, of_part in parts for address in of_part]

    assert sorted(indexed) == sorted(read) == sorted(addresses(count))
    assert all(where == MAILBOXES for where, _, _ in parts)


def multiplied_out(email_filter: Filter) -> list[int]:
    """How many conditions are in each AND of the filter as an OR of ANDs."""
    if "conditions" not in email_filter:
        return [1]
    inner = [multiplied_out(each) for each in email_filter["conditions"]]
    if email_filter["operator"] == "OR":
        return [each for some in inner for each in some]
    return [sum(each) for each in itertools.product(*inner)]


@pytest.mark.parametrize("mailboxes", [1, 2, 8, 29, 30, 31, 100])
@pytest.mark.parametrize("count", [1, 7, 8, 9, 60])
def test_no_filter_is_longer_than_servers_answer_in_full(count: int, mailboxes: int) -> None:
    """Cyrus gives up at 1,000 nodes (its ``search_normalisation_max``)."""
    where = frozenset(map(str, range(mailboxes)))
    asked = set()
    for email_filter in Sweep(addresses(count), where).filters():
        ands = multiplied_out(email_filter)
        assert 1 + len(ands) + sum(ands) <= 500 + 1
        mailboxes_of_it, _, of_part = asked_for(email_filter)
        asked |= set(itertools.product(mailboxes_of_it, of_part))
    assert asked == set(itertools.product(where, addresses(count)))


def test_the_address_is_found_with_quotes_or_a_comment_in_its_middle() -> None:
    (email_filter,) = Sweep(frozenset({'"bob"@corp.example'}), MAILBOXES).filters()

    assert {
        "operator": "AND",
        "conditions": [{"header": ["From", "bob"]}, {"header": ["From", "corp.example"]}],
    } in email_filter["conditions"][1]["conditions"]


def test_there_are_far_fewer_queries_than_senders() -> None:
    of_all_categories = frozenset("12345678")
    assert len(list(Sweep(addresses(60), of_all_categories).filters())) == 8


def test_nobody_is_asked_for_by_no_query_at_all() -> None:
    """A filter without conditions matches nothing on one server and everything on another."""
    assert list(Sweep(frozenset(), MAILBOXES).filters()) == []


def test_the_same_question_is_asked_in_the_same_words() -> None:
    one, again = (list(Sweep(addresses(7), MAILBOXES).filters()) for _ in range(2))

    assert one == again


def test_mail_in_at_least_one_of_several_mailboxes() -> None:
    assert in_any_of({"b", "a"}) == {
        "operator": "OR",
        "conditions": [{"inMailbox": "a"}, {"inMailbox": "b"}],
    }
