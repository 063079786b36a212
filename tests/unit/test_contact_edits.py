"""What a decision does to the address book."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.model import (
    Card,
    ContactEdit,
    ContactType,
    CreateCard,
    DeleteCard,
    Group,
    Names,
    UpdateCard,
)
from mailroom.screener.model.categories import DEFAULTS, Categories, Category
from mailroom.screener.model.missing import MissingError
from mailroom.screener.model.sender import Sender
from mailroom.screener.triage.contact_edits import (
    edits_for_strays,
    edits_for_triage,
    edits_for_undo,
)
from mailroom.screener.triage.groups import find_groups, missing_groups, wanted_groups
from tests.support.domain.builders import (
    LAYOUT,
    NOW,
    Contacts,
    card,
    chain,
    group_list,
    groups,
    written,
)

BOB = Sender("Bob@Corp.example", "Bob Builder")
PERSON = Names("Bob Builder", "Bob", "Builder")
COMPANY = Names(full="Bob Builder", organization="Bob Builder")
CATEGORIES = [each.name for each in DEFAULTS]
TOMORROW = datetime(2026, 2, 26, 9, 5, tzinfo=UTC)

Members = Mapping[str, Iterable[str]]


def triage(
    name: str,
    *cards: Card,
    members: Members | None = None,
    sender: Sender = BOB,
    now: datetime = NOW,
) -> tuple[ContactEdit, ...]:
    return edits_for_triage(cards, sender, chain(name), groups(members), now)


def undo(*cards: Card, members: Members | None = None) -> tuple[ContactEdit, ...]:
    return edits_for_undo(cards, groups(members))


def created(edits: tuple[ContactEdit, ...]) -> CreateCard:
    (edit,) = edits
    assert isinstance(edit.card, CreateCard)
    return edit.card


def updated(edits: tuple[ContactEdit, ...]) -> UpdateCard:
    (edit,) = edits
    assert isinstance(edit.card, UpdateCard)
    return edit.card


def made(note: str = "Triaged to Feed on 2026-02-25", *, untouched: bool = True) -> Card:
    """A card that Mailroom made."""
    return card(names=COMPANY, note=note, made_by_us=True, untouched=untouched)


# Cards that are made


@pytest.mark.parametrize("name", CATEGORIES)
def test_without_a_card_one_is_made_in_the_groups_of_the_chain(name: str) -> None:
    (edit,) = triage(name)

    assert edit.join == {each.group for each in chain(name)} | {"Mailroom"}
    assert edit.leave == frozenset()


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_new_card_says_who_it_is_and_what_was_decided(name: str) -> None:
    new = created(triage(name))

    assert new.address == "Bob@Corp.example"
    assert new.note == f"Triaged to {name} on 2026-02-25 at 14:03"
    assert new.names == (PERSON if name == "Person" else COMPANY)
    assert new.contact_type is (ContactType.PERSON if name == "Person" else ContactType.COMPANY)


def test_a_sender_without_a_name_is_called_by_the_address() -> None:
    new = created(triage("Feed", sender=Sender("bob@corp.example")))

    assert new.names == Names(full="bob@corp.example", organization="bob@corp.example")


def test_the_same_sender_gets_the_same_uid_whoever_makes_the_card() -> None:
    uids = {
        created(triage(name, sender=sender, now=now)).uid
        for name in CATEGORIES
        for sender in (BOB, Sender("bob@corp.example"), Sender("BOB@CORP.EXAMPLE", "Robert"))
        for now in (NOW, TOMORROW)
    }

    assert len(uids) == 1


def test_a_uid_is_a_bare_uuid_and_another_senders_is_another() -> None:
    one = created(triage("Feed")).uid
    other = created(triage("Feed", sender=Sender("al@corp.example"))).uid

    assert str(uuid.UUID(one)) == one != other


def test_groups_name_the_card_by_its_uid() -> None:
    (edit,) = triage("Feed")

    assert edit.uid == created((edit,)).uid


def test_groups_that_still_name_a_deleted_card_are_put_right() -> None:
    """Deleting a card leaves its uid in the groups, and a new card gets the same uid."""
    uid = created(triage("Imbox")).uid
    members = {"Feed": [uid], "Paper Trail": [uid], "Imbox": [uid], "Mailroom": [uid]}
    after = carry_out(triage("Imbox", members=members), Contacts.of((), group_list(members)))

    assert after.groups_of(uid) == {"Imbox", "Mailroom"}


def test_a_new_card_joins_groups_that_have_its_uid_already() -> None:
    """Somebody changed the address on a card of ours; the new card will get another uid."""
    uid = created(triage("Person")).uid
    (edit,) = triage("Person", members={"Imbox": [uid], "Mailroom": [uid]})

    assert edit.join == {"Person", "Imbox", "Mailroom"}


# Cards that are there


@pytest.mark.parametrize(
    ("was_in", "name", "join", "leave"),
    [
        pytest.param([], "Feed", {"Feed"}, set(), id="first"),
        pytest.param([], "Person", {"Person", "Imbox"}, set(), id="a chain"),
        pytest.param(["Feed"], "Imbox", {"Imbox"}, {"Feed"}, id="re-triage"),
        pytest.param(["Person", "Imbox"], "Imbox", set(), {"Person"}, id="to the parent"),
        pytest.param(["Imbox"], "Person", {"Person"}, set(), id="to the child"),
        pytest.param(
            ["Billboard", "Paper Trail"], "Truck", {"Truck"}, {"Billboard"}, id="to a sibling"
        ),
        pytest.param(["Feed"], "Feed", set(), set(), id="in it already"),
        pytest.param(CATEGORIES, "Jail", set(), {*CATEGORIES} - {"Jail"}, id="in every group"),
        pytest.param(["Friends", "Feed"], "Jail", {"Jail"}, {"Feed"}, id="own groups stay"),
        pytest.param(["Mailroom"], "Jail", {"Jail"}, set(), id="provenance stays"),
    ],
)
def test_a_contact_is_in_the_groups_of_the_chain_and_in_no_other_categorys(
    was_in: list[str], name: str, join: set[str], leave: set[str]
) -> None:
    (edit,) = triage(name, card(names=PERSON), members={each: ["bob"] for each in was_in})

    assert edit.join == join
    assert edit.leave == leave


def test_a_card_that_its_owner_made_is_not_said_to_be_ours() -> None:
    (edit,) = triage("Feed", card(names=PERSON))

    assert "Mailroom" not in edit.join


def test_a_card_of_ours_that_lost_the_provenance_group_gets_it_back() -> None:
    """Killed between making the card and adding it to the group."""
    (edit,) = triage("Feed", made())

    assert edit.join == {"Feed", "Mailroom"}
    assert edit.card is None


@pytest.mark.parametrize(
    ("note", "name", "line"),
    [
        pytest.param("", "Feed", "Triaged to Feed on 2026-02-26 at 09:05", id="first"),
        pytest.param(
            "Met at the fair.", "Feed", "Triaged to Feed on 2026-02-26 at 09:05", id="own note"
        ),
        pytest.param(
            "Triaged to Feed on 2026-02-25",
            "Imbox",
            "Re-triaged to Imbox on 2026-02-26 at 09:05",
            id="again",
        ),
        pytest.param("Triaged to Feed on 2026-02-25", "Feed", "", id="the same, a retry"),
        pytest.param("Triaged to Feed on 2026-02-26 at 09:04", "Feed", "", id="a minute later"),
        pytest.param(
            "Triaged to Feed on 2026-02-25\nRe-triaged to Imbox on 2026-02-26",
            "Feed",
            "Re-triaged to Feed on 2026-02-26 at 09:05",
            id="back to where it was first",
        ),
        pytest.param(
            "Triaged to Feed on 2026-02-25\nRe-triaged to Imbox on 2026-02-26",
            "Imbox",
            "",
            id="a retry of the second",
        ),
        pytest.param(
            "Triaged to Feed on 2026-02-25\nCalled back.", "Feed", "", id="own words behind it"
        ),
        pytest.param(
            "I think Triaged to Feed on 2026-02-25",
            "Feed",
            "Triaged to Feed on 2026-02-26 at 09:05",
            id="only like a line of ours",
        ),
    ],
)
def test_one_dated_line_is_added_for_each_decision(note: str, name: str, line: str) -> None:
    (edit,) = triage(name, card(names=COMPANY, note=note), now=TOMORROW)

    if line:
        assert updated((edit,)).add_line == line
        assert not updated((edit,)).remove_lines
        assert not updated((edit,)).forget
    else:
        assert edit.card is None


@pytest.mark.parametrize(
    ("names", "name", "fill"),
    [
        pytest.param(Names(), "Feed", COMPANY, id="an empty card, company"),
        pytest.param(Names(), "Person", PERSON, id="an empty card, person"),
        pytest.param(PERSON, "Feed", Names(), id="a person"),
        pytest.param(Names(full="Bobby"), "Person", Names("", "Bob", "Builder"), id="no parts"),
        pytest.param(
            Names(full="Bobby"), "Jail", Names(organization="Bob Builder"), id="no organization"
        ),
    ],
)
def test_only_empty_fields_are_filled(names: Names, name: str, fill: Names) -> None:
    assert updated(triage(name, card(names=names))).fill == fill


def test_a_retry_fills_what_is_empty_again_without_a_second_line() -> None:
    emptied = card(note="Triaged to Feed on 2026-02-25")

    assert updated(triage("Feed", emptied, now=TOMORROW)) == UpdateCard(emptied, fill=COMPANY)


def test_a_bare_address_names_no_card_beside_a_contacts_other_cards() -> None:
    """A pass that was killed may have filed the mails with a name, and left one without."""
    named, nameless = card("named", names=PERSON), card("nameless")
    edits = triage("Feed", named, nameless, sender=Sender(BOB.address, ""))

    assert [updated((each,)).fill for each in edits] == [Names(), Names()]


def test_an_edit_names_the_card_as_it_was_read() -> None:
    adopted = card("adopted", names=PERSON, note="Met at the fair.")
    edit = triage("Feed", adopted)

    assert updated(edit).card is adopted
    assert edit[0].uid == "adopted"


def test_every_card_of_a_contact_goes_the_same_way() -> None:
    one, other = card("one", names=PERSON), card("other", names=COMPANY)
    edits = triage("Feed", one, other, members={"Imbox": ["one"]})

    assert [each.uid for each in edits] == ["one", "other"]
    assert [each.join for each in edits] == [{"Feed"}, {"Feed"}]
    assert [each.leave for each in edits] == [{"Imbox"}, frozenset()]
    assert len({each.key for each in edits}) == 2


def test_of_two_groups_of_one_name_the_contact_leaves_both() -> None:
    twin = Group("Feed 2", "group Feed 2", "Feed", frozenset({"bob"}))
    found = find_groups([twin, *group_list({"Feed": ["bob"]})], DEFAULTS, LAYOUT)
    (edit,) = edits_for_triage([card(names=PERSON)], BOB, chain("Jail"), found, NOW)

    assert edit.leave == {"Feed", "Feed 2"}


def test_a_group_that_parent_and_child_share_is_joined_and_not_left() -> None:
    parent = Category.named("Post", group="Everything")
    child = Category.named("Bills", group="Everything", parent="Post")
    categories = Categories([parent, child])
    found = find_groups(group_list({"Everything": []}), categories, LAYOUT)
    (edit,) = edits_for_triage([card()], BOB, categories.chain(child), found, NOW)

    assert edit.join == {"Everything"}
    assert not edit.leave


def test_a_name_of_a_group_may_be_composed_or_not() -> None:
    """macOS writes an umlaut as two characters."""
    composed, decomposed = "B\u00fcro", "Bu\u0308ro"
    categories = Categories([Category.named("Work", group=composed)])
    provenance = Group("p", "p", LAYOUT.provenance_group)
    groups = [Group("b", "b", decomposed, frozenset({"ann"})), provenance]
    assert missing_groups(groups, categories, LAYOUT) == []
    found = find_groups(groups, categories, LAYOUT)
    assert found.categories["Work"].members == {"ann"}
    assert found.foreign_members == frozenset()


# Undo


def test_a_card_that_mailroom_made_and_nobody_touched_is_deleted() -> None:
    ours = made()
    (edit,) = undo(ours, members={"Feed": ["bob"], "Mailroom": ["bob"]})

    assert edit.card == DeleteCard(ours)
    assert edit.leave == {"Feed", "Mailroom"}
    assert edit.join == frozenset()


LINES = {"Triaged to Feed on 2026-02-25", "Re-triaged to Jail on 2026-02-26"}


@pytest.mark.parametrize(
    ("kept", "members"),
    [
        pytest.param(made("\n".join(LINES), untouched=False), {}, id="made, and touched"),
        pytest.param(made("\n".join(LINES)), {"Friends": ["bob"]}, id="made, in an own group"),
        pytest.param(card(note="\n".join(LINES)), {}, id="adopted"),
        pytest.param(card(note="\n".join(["Mine.", *LINES, "Mine too."])), {}, id="adopted, notes"),
        pytest.param(card(note="\n".join(LINES), untouched=True), {}, id="without our mark"),
    ],
)
def test_any_other_card_only_loses_mailrooms_traces(kept: Card, members: Members) -> None:
    all_groups = {**members, "Jail": ["bob"], "Mailroom": ["bob"]}
    (edit,) = undo(kept, members=all_groups)

    assert edit.card == UpdateCard(kept, remove_lines=frozenset(LINES), forget=True)
    assert edit.leave == {"Jail", "Mailroom"}


def test_undo_takes_a_contact_out_of_every_categorys_group_and_of_no_other() -> None:
    (edit,) = undo(card(), members={name: ["bob"] for name in (*CATEGORIES, "Friends")})

    assert edit.leave == {*CATEGORIES}
    assert edit.join == frozenset()


def test_undo_of_a_sender_without_a_card_does_nothing_to_the_address_book() -> None:
    assert undo() == ()


def test_members_without_a_card_are_removed_from_mailrooms_groups() -> None:
    uid = created(triage("Feed")).uid
    found = groups({"Feed": [uid, "al"], "Mailroom": [uid], "Friends": [uid]})
    (edit,) = edits_for_strays({"bob@corp.example", "al@corp.example"}, found, {"al"})

    assert (edit.uid, edit.card, edit.join) == (uid, None, frozenset())
    assert edit.leave == {"Feed", "Mailroom"}


def test_who_has_a_card_is_no_stray_whatever_addresses_it_bears() -> None:
    uid = created(triage("Feed")).uid
    found = groups({"Feed": [uid]})

    assert edits_for_strays({"bob@corp.example"}, found, {uid}) == ()


def test_undo_treats_each_card_by_itself() -> None:
    ours, own = made(), card("own", names=PERSON)
    edits = undo(ours, own)

    assert [type(each.card) for each in edits] == [DeleteCard, UpdateCard]


# Carried out


CARDS = st.one_of(
    st.none(),
    st.builds(
        card,
        st.just("bob"),
        names=st.sampled_from([Names(), PERSON, COMPANY]),
        note=st.sampled_from(["", "Mine.", "Triaged to Feed on 2026-01-01"]),
        made_by_us=st.booleans(),
        untouched=st.booleans(),
    ),
)
MEMBERS = st.sets(st.sampled_from([*CATEGORIES, "Friends", "Mailroom"]))


def carry_out(edits: tuple[ContactEdit, ...], contacts: Contacts) -> Contacts:
    for edit in edits:
        contacts = written(edit, contacts)
    return contacts


@given(bob=CARDS, member_of=MEMBERS, name=st.sampled_from(CATEGORIES))
def test_afterwards_the_groups_are_right_and_a_retry_changes_nothing(
    bob: Card | None, member_of: set[str], name: str
) -> None:
    members = {each: ["bob"] for each in member_of} if bob else {}
    before = Contacts.of([bob] if bob else [], group_list(members))
    cards = tuple(before.cards.values())
    after = carry_out(triage(name, *cards, members=members), before)
    (triaged,) = after.cards.values()
    in_groups = after.groups_of(triaged.uid)

    assert in_groups & {*CATEGORIES} == {each.group for each in chain(name)}
    assert ("Friends" in in_groups) is (bob is not None and "Friends" in member_of)
    assert not triaged.made_by_us or "Mailroom" in in_groups
    found = find_groups(list(after.groups.values()), DEFAULTS, LAYOUT)
    (again,) = edits_for_triage([triaged], BOB, chain(name), found, TOMORROW)
    assert (again.card, again.join, again.leave) == (None, frozenset(), frozenset())


@given(bob=CARDS, member_of=MEMBERS, names=st.lists(st.sampled_from(CATEGORIES), max_size=3))
def test_undo_leaves_none_of_mailrooms_groups_and_lines(
    bob: Card | None, member_of: set[str], names: list[str]
) -> None:
    members = {each: ["bob"] for each in member_of} if bob else {}
    now = Contacts.of([bob] if bob else [], group_list(members))
    for name in names:
        found = find_groups(list(now.groups.values()), DEFAULTS, LAYOUT)
        edits = edits_for_triage(list(now.cards.values()), BOB, chain(name), found, NOW)
        now = carry_out(edits, now)
    uids = set(now.cards)
    found = find_groups(list(now.groups.values()), DEFAULTS, LAYOUT)
    now = carry_out(edits_for_undo(list(now.cards.values()), found), now)

    for uid in uids:
        assert now.groups_of(uid) <= {"Friends"}
    for left in now.cards.values():
        assert "riaged to" not in left.note
    if bob and bob.note == "Mine." and "bob" in now.cards:
        assert now.cards["bob"].note == "Mine."


# Groups


def test_the_groups_are_those_of_the_categories_and_the_provenance_group() -> None:
    assert wanted_groups(DEFAULTS, LAYOUT) == [*CATEGORIES, "Mailroom"]


def test_every_missing_group_is_named_at_once() -> None:
    there = [each for each in group_list() if each.name not in {"Feed", "Mailroom"}]

    assert missing_groups(there, DEFAULTS, LAYOUT) == ["Feed", "Mailroom"]
    with pytest.raises(MissingError) as caught:
        find_groups(there, DEFAULTS, LAYOUT)
    assert caught.value.groups == ("Feed", "Mailroom")


def test_other_groups_keep_their_members_without_a_card() -> None:
    found = groups({"Friends": ["a"], "Family": ["b"], "Feed": ["c"], "Mailroom": ["d"]})

    assert found.foreign_members == {"a", "b"}


# Cards that may only be put into groups


def test_a_card_that_must_not_be_edited_only_changes_its_groups() -> None:
    theirs = card(is_editable=False, filled_by_us=True, note="Triaged to Feed on 2026-02-25")
    for edits in (triage("Jail", theirs), undo(theirs, members={"Feed": ["bob"]})):
        (edit,) = edits
        assert edit.card is None
    assert edit.leave == {"Feed"}


@pytest.mark.parametrize("is_editable", [True, False], ids=["over CardDAV", "over JMAP"])
def test_a_bare_card_in_the_provenance_group_is_mailrooms(*, is_editable: bool) -> None:
    bare = card(
        names=COMPANY,
        note="Triaged to Feed on 2026-02-25",
        is_bare=True,
        is_editable=is_editable,
    )
    ours = {"Mailroom": ["bob"], "Feed": ["bob"]}
    again = updated(triage("Jail", bare, members=ours))
    assert again.add_line == "Re-triaged to Jail on 2026-02-25 at 14:03"
    assert again.mark_as_made
    (edit,) = undo(bare, members=ours)
    assert edit.card == DeleteCard(bare)
    (edit,) = undo(bare, members={"Feed": ["bob"]})
    assert not isinstance(edit.card, DeleteCard)
    (edit,) = undo(bare, members={**ours, "Friends": ["bob"]})
    assert not isinstance(edit.card, DeleteCard), "somebody has a use for it"
