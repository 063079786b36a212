"""Who is in an address book, as far as it is kept in memory."""

from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.index import ContactIndex, IndexBuilder
from mailroom.contacts.model import Group
from mailroom.contacts.uid import uid_for

ADDRESSES = ("a@x.example", "b@x.example", "*@x.example", "c@y.example")


def test_cards_are_found_by_any_address_in_any_case() -> None:
    builder = IndexBuilder()
    builder.put_card("1", "u1", ["Ann@X.example", "ann@y.example"])
    builder.put_card("2", "u2", ["ann@x.EXAMPLE"])
    index = builder.build()
    assert index.ids_of(["ANN@x.example"]) == {"1", "2"}
    assert index.ids_of(["ann@y.example", "nobody@x.example"]) == {"1"}
    assert index.uids_standing_for("ann@X.example") == {"u1", "u2"}
    assert len(index) == 2


def test_a_card_for_a_whole_domain_stands_for_everybody_there() -> None:
    builder = IndexBuilder()
    builder.put_card("1", "u1", ["*@Corp.example"])
    index = builder.build()
    assert index.uids_standing_for("Bob@corp.EXAMPLE") == {"u1"}
    builder.put_card("2", "u2", ["boss@corp.example"])
    index = builder.build()
    assert index.uids_standing_for("boss@corp.example") == {"u2"}
    assert index.uids_standing_for("bob@sub.corp.example") == frozenset()
    assert index.ids_of(["bob@corp.example"]) == frozenset()


def test_a_card_that_becomes_a_group_is_no_card_any_more() -> None:
    builder = IndexBuilder()
    builder.put_card("1", "u1", ["a@x.example"])
    builder.put_group(Group("1", "u1", "Feed", frozenset({"m"})))
    index = builder.build()
    assert len(index) == 0
    assert index.ids_of(["a@x.example"]) == frozenset()
    assert [group.name for group in index.groups] == ["Feed"]
    assert index.ids == {"1"}


def test_a_card_that_cannot_be_edited_makes_its_addresses_known_and_no_more() -> None:
    builder = IndexBuilder()
    builder.put_known("1", ["Boss@Corp.example", "*@team.example"])
    index = builder.build()
    assert index.knows("boss@corp.EXAMPLE")
    assert index.knows("anybody@team.example")
    assert not index.knows("other@corp.example")
    assert index.uids_standing_for("boss@corp.example") == frozenset()
    assert index.ids_of(["boss@corp.example"]) == frozenset()
    builder.put_card("1", "u1", ["else@corp.example"])
    index = builder.build()
    assert not index.knows("boss@corp.example")
    assert index.knows("else@corp.example")


@given(
    st.lists(
        st.tuples(
            st.sampled_from("123"),
            st.one_of(st.none(), st.lists(st.sampled_from(ADDRESSES), max_size=3)),
        )
    )
)
def test_an_index_has_the_last_version_of_each_card_and_no_later_one(
    words: list[tuple[str, list[str] | None]],
) -> None:
    builder = IndexBuilder()
    model: dict[str, list[str]] = {}
    built = []
    for card_id, addresses in words:
        if addresses is None:
            builder.remove(card_id)
            model.pop(card_id, None)
        else:
            builder.put_card(card_id, f"u{card_id}", addresses)
            model[card_id] = addresses
        built.append((builder.build(), dict(model)))
    for index, cards in built:
        assert index.ids == cards.keys()
        for address in ADDRESSES:
            assert index.ids_of([address]) == {each for each in cards if address in cards[each]}
            for each in "123":
                bears = address in cards[each] if each in cards else None
                assert index.bears(f"u{each}", address) is bears
    empty = ContactIndex()
    assert empty.bears("u1", ADDRESSES[0]) is None
    assert (empty.ids, empty.ids_of(ADDRESSES)) == (frozenset(), frozenset())


def test_an_address_has_cards_of_its_own_among_those_that_bear_it() -> None:
    builder = IndexBuilder()
    builder.put_card("1", "ann", ["ann@x.example", "info@x.example"])
    builder.put_card("2", "ben", ["ben@x.example", "info@x.example"])
    index = builder.build()
    assert index.own_uids_of("info@x.example") == frozenset()
    builder.put_card("3", "own", ["Info@X.example"])
    index = builder.build()
    assert index.own_uids_of("info@x.example") == {"own"}
    made = uid_for("info@x.example")
    builder.put_card("4", made, ["info@x.example", "more@x.example"])
    index = builder.build()
    assert index.own_uids_of("info@x.example") == {"own", made}
    assert index.uids_standing_for("info@x.example") == {"ann", "ben", "own", made}


def test_without_a_change_the_same_index_is_built_again() -> None:
    builder = IndexBuilder()
    builder.put_group(Group("1", "u1", "Feed"))
    index = builder.build()
    builder.put_group(Group("1", "u1", "Feed"))
    builder.remove("2")
    assert builder.build() is index
    builder.put_group(Group("1", "u1", "Feed", frozenset({"m"})))
    assert builder.build() is not index
