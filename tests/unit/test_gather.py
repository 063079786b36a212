"""What the server is asked for, to find at least all mail of some senders."""

import itertools
from typing import Any

import pytest

from mailroom.jmap.habits import Habits, Limitation
from mailroom.jmap.mail import Filter
from mailroom.screener.search.filters import Mailboxes, note_refused_filter
from mailroom.screener.search.people import SENDERS, filters_for

MAILBOXES = frozenset({"Screener", "Feed"})


def addresses(count: int) -> frozenset[str]:
    return frozenset(f"sender{number}@corp.example" for number in range(count))


def filters(who: frozenset[str], mailboxes: frozenset[str] = MAILBOXES) -> list[Any]:
    """What a server with no limitations is asked for."""
    return list(filters_for(SENDERS, who, Mailboxes(mailboxes), Habits()))


def asked_for(email_filter: Any) -> tuple[set[str], set[str], set[str]]:
    """The mailboxes of a filter, and the addresses it asks for in either way."""
    where, who = email_filter["conditions"]
    assert email_filter["operator"] == "AND"
    assert who["operator"] == "OR"
    indexed = {each["from"] for each in who["conditions"] if "from" in each}
    read = {
        "@".join(part["header"][1] for part in each["conditions"] if part["header"][0] == "From")
        for each in who["conditions"]
        if each.get("operator") == "AND"
    }
    assert len(who["conditions"]) == len(indexed) + len(read)
    inside = where.get("conditions", [where])
    return {each["inMailbox"] for each in inside}, indexed, read


@pytest.mark.parametrize("count", [1, 2, 50, 51, 60, 120])
def test_every_sender_is_asked_for_once_by_the_index_and_once_by_the_header(count: int) -> None:
    parts = [asked_for(each) for each in filters(addresses(count))]
    indexed = [address for _, of_part, _ in parts for address in of_part]
    read = [address for _, _, of_part in parts for address in of_part]

    assert sorted(indexed) == sorted(read) == sorted(addresses(count))
    assert all(where == MAILBOXES for where, _, _ in parts)


def test_no_filter_asks_both_ways() -> None:
    """A text criterion hides what is not indexed in the whole answer of newer versions of Cyrus."""
    parts = [asked_for(each) for each in filters(addresses(120))]
    assert not [1 for _, indexed, read in parts if indexed and read]


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
    for email_filter in filters(addresses(count), where):
        ands = multiplied_out(email_filter)
        assert 1 + len(ands) + sum(ands) <= 500 + 1
        mailboxes_of_it, *both = asked_for(email_filter)
        for way, of_part in enumerate(both):
            asked |= set(itertools.product([way], mailboxes_of_it, of_part))
    assert asked == set(itertools.product([0, 1], where, addresses(count)))


def test_the_address_is_found_with_quotes_or_a_comment_in_its_middle() -> None:
    _, email_filter = filters(frozenset({'"bob"@corp.example'}))

    assert {
        "operator": "AND",
        "conditions": [{"header": ["From", "bob"]}, {"header": ["From", "corp.example"]}],
    } in email_filter["conditions"][1]["conditions"]


def test_there_are_far_fewer_queries_than_senders() -> None:
    of_all_categories = frozenset("12345678")
    assert len(filters(addresses(60), of_all_categories)) == 7


def test_nobody_is_asked_for_by_no_query_at_all() -> None:
    """A filter without conditions matches nothing on one server and everything on another."""
    assert filters(frozenset()) == []


def test_the_same_question_is_asked_in_the_same_words() -> None:
    one, again = (filters(addresses(7)) for _ in range(2))

    assert one == again


def boxes(*limitations: Limitation, ids: str = "ab", every: str = "abcd") -> list[Filter]:
    habits = Habits()
    for each in limitations:
        habits.learn(each)
    return Mailboxes(frozenset(ids), frozenset(every)).filters(habits)


def test_several_mailboxes_are_named_in_the_first_form_that_is_not_refused() -> None:
    a, b = {"inMailbox": "a"}, {"inMailbox": "b"}
    assert boxes() == [{"operator": "OR", "conditions": [a, b]}]
    several, excluded = Limitation.SEVERAL_MAILBOXES, Limitation.EXCLUDED_MAILBOXES
    assert boxes(several) == [{"inMailboxOtherThan": ["c", "d"]}]
    assert boxes(several, every="") == [a, b], "the others are not known"
    assert boxes(several, excluded) == [a, b]


def test_one_mailbox_stands_alone() -> None:
    for limitations in ((), (Limitation.SEVERAL_MAILBOXES,)):
        assert boxes(*limitations, ids="a") == [{"inMailbox": "a"}]


def test_the_forms_are_given_up_one_after_the_other() -> None:
    habits = Habits()
    assert [note_refused_filter(habits) for _ in range(3)] == [True, True, False]
    assert list(habits) == [Limitation.SEVERAL_MAILBOXES, Limitation.EXCLUDED_MAILBOXES]
