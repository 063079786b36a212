"""Categories: what follows from a name, chains, and every mistake that can be made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.contacts.model import ContactType
from mailroom.screener.model.categories import (
    DEFAULTS,
    Categories,
    Category,
    Layout,
    triage_label,
)
from mailroom.screener.model.category_mistakes import find_mistakes

LAYOUT = Layout()


def categories(*given: Category) -> Categories:
    return Categories(given)


def mistakes(*given: Category, layout: Layout = LAYOUT) -> list[str]:
    return find_mistakes(Categories(given), layout)


def test_label_group_and_destination_follow_from_the_name() -> None:
    category = Category.named("Paper Trail")

    assert category == Category("Paper Trail", "@ToPaperTrail", "Paper Trail", "Paper Trail")


def test_each_of_the_three_can_be_given() -> None:
    category = Category.named("Feed", label="#feed", group="News", destination="Reading/Feed")

    assert (category.label, category.group, category.destination) == (
        "#feed",
        "News",
        "Reading/Feed",
    )


def test_the_defaults_are_the_seven_documented_ones() -> None:
    rows = [
        (each.name, each.label, each.parent, str(each.contact_type), each.add_to_inbox)
        for each in DEFAULTS
    ]

    assert rows == [
        ("Imbox", "@ToImbox", None, "company", True),
        ("Feed", "@ToFeed", None, "company", False),
        ("Paper Trail", "@ToPaperTrail", None, "company", False),
        ("Jail", "@ToJail", None, "company", False),
        ("Person", "@ToPerson", "Imbox", "person", True),
        ("Billboard", "@ToBillboard", "Paper Trail", "company", False),
        ("Truck", "@ToTruck", "Paper Trail", "company", False),
    ]


def test_the_defaults_are_without_mistake() -> None:
    assert find_mistakes(DEFAULTS, LAYOUT) == []


def test_lookup_by_name_is_exact() -> None:
    person = DEFAULTS.by_name("Person")

    assert person is not None
    assert person.contact_type is ContactType.PERSON
    assert DEFAULTS.by_name("person") is None


def test_a_chain_is_the_category_and_all_above_it() -> None:
    tree = categories(
        Category.named("A"), Category.named("B", parent="A"), Category.named("C", parent="B")
    )

    chains = [[link.name for link in tree.chain(each)] for each in tree]

    assert chains == [["A"], ["B", "A"], ["C", "B", "A"]]


def test_groups_are_those_of_all_categories() -> None:
    tree = categories(Category.named("A"), Category.named("B", group="Bees"))

    assert tree.group_names() == {"A", "Bees"}


def test_collections_are_equal_when_their_categories_are() -> None:
    assert categories(Category.named("A")) == categories(Category.named("A"))
    assert hash(categories(Category.named("A"))) == hash(categories(Category.named("A")))
    assert categories(Category.named("A")) != categories(Category.named("B"))
    assert len(DEFAULTS) == 7
    assert "Paper Trail" in repr(DEFAULTS)


def test_no_category_is_a_mistake() -> None:
    assert mistakes() == ["there is no category"]


def test_the_same_name_is_one_mistake_whatever_else_collides_by_it() -> None:
    assert mistakes(Category.named("Feed"), Category.named("feed")) == [
        '2 categories have the same name: "Feed", "feed"'
    ]
    assert mistakes(Category.named("Feed"), Category.named("Feed")) == [
        '2 categories have the same name: "Feed"'
    ]


def test_the_name_of_the_answer_that_is_no_category_is_reserved() -> None:
    """Else the printed command would move mail to the Junk folder, and not to the category."""
    assert mistakes(Category.named("SPAM", label="@Bad", destination="Bad")) == [
        (
            'category "SPAM": in commands, this name means that mail goes to the Junk'
            " folder; choose another name"
        )
    ]


def test_labels_that_collide_by_derivation() -> None:
    assert mistakes(Category.named("Paper Trail"), Category.named("PaperTrail")) == [
        (
            'mailbox "@ToPaperTrail" is used more than once:'
            ' category "Paper Trail"\'s label, category "PaperTrail"\'s label'
        )
    ]


def test_destinations_that_collide_in_letter_case_only() -> None:
    assert mistakes(Category.named("A", destination="News"), Category.named("News")) == [
        (
            'mailbox "News" is used more than once:'
            ' category "A"\'s destination, category "News"\'s destination'
        )
    ]
    assert len(mistakes(Category.named("A", destination="news"), Category.named("NEWS"))) == 1


def test_names_that_differ_in_unicode_composition_only_collide() -> None:
    assert mistakes(Category.named("A", destination="Cafe\u0301"), Category.named("Caf\u00e9")) == [
        (
            'mailbox "Cafe\u0301" is used more than once:'
            ' category "A"\'s destination, category "Caf\u00e9"\'s destination'
        )
    ]


def test_a_label_that_is_a_destination() -> None:
    assert mistakes(Category.named("A", label="A")) == [
        'mailbox "A" is used more than once: category "A"\'s label, category "A"\'s destination'
    ]


@pytest.mark.parametrize(
    ("mailbox", "what"),
    [
        ("screener", "the Screener"),
        ("@toscreener", "the Screener's label"),
        ("@MailroomError", "the error label"),
        ("@MailroomWarning", "the warning label"),
    ],
)
def test_a_destination_that_is_a_fixed_mailbox(mailbox: str, what: str) -> None:
    [mistake] = mistakes(Category.named("A", destination=mailbox))

    assert mistake.endswith(f'is used more than once: {what}, category "A"\'s destination')


def test_fixed_mailboxes_that_collide_with_each_other() -> None:
    layout = Layout(error_label="@Mailroom", warning_label="@mailroom")

    assert mistakes(Category.named("A"), layout=layout) == [
        'mailbox "@Mailroom" is used more than once: the error label, the warning label'
    ]


def test_a_warning_label_that_is_switched_off_collides_with_nothing() -> None:
    layout = Layout(warning_label="@ToA", warn_on_name_mismatch=False)

    assert mistakes(Category.named("A"), layout=layout) == []


def test_an_unknown_parent_comes_with_a_suggestion() -> None:
    assert mistakes(Category.named("Imbox"), Category.named("Person", parent="imbx")) == [
        'category "Person": there is no category "imbx" (parent); did you mean "Imbox"?'
    ]


def test_an_unknown_parent_like_no_other_name_comes_without() -> None:
    assert mistakes(Category.named("A", parent="Zebra")) == [
        'category "A": there is no category "Zebra" (parent)'
    ]


def test_a_category_that_is_its_own_parent() -> None:
    assert mistakes(Category.named("A", parent="A")) == [
        "categories are each other's parents: A -> A"
    ]


def test_each_cycle_is_reported_once_and_what_leads_into_it_not_at_all() -> None:
    found = mistakes(
        Category.named("Into", parent="A"),
        Category.named("A", parent="B"),
        Category.named("B", parent="A"),
        Category.named("X", parent="Y"),
        Category.named("Y", parent="Z"),
        Category.named("Z", parent="X"),
    )

    assert found == [
        "categories are each other's parents: A -> B -> A",
        "categories are each other's parents: X -> Y -> Z -> X",
    ]


def test_a_child_may_share_its_parents_group_and_its_grandparents() -> None:
    assert (
        mistakes(
            Category.named("A"),
            Category.named("B", parent="A"),
            Category.named("C", parent="B", group="A"),
        )
        == []
    )


def test_siblings_may_not_share_a_group() -> None:
    assert mistakes(
        Category.named("A"),
        Category.named("B", parent="A", group="G"),
        Category.named("C", parent="A", group="g"),
    ) == ['categories "B" and "C" share the group "G", but neither is the other\'s parent']


def test_the_provenance_group_is_no_categorys() -> None:
    assert mistakes(Category.named("A", group="mailroom")) == [
        'category "A": the group "mailroom" is the provenance group, which no category may use'
    ]


def test_a_destination_in_the_inbox_points_to_add_to_inbox() -> None:
    assert mistakes(Category.named("A", destination="INBOX")) == [
        (
            'category "A": the destination must not be the Inbox; choose another mailbox,'
            " and set add_to_inbox: true"
        )
    ]


def test_nothing_else_may_be_the_inbox() -> None:
    found = mistakes(Category.named("A", label="Inbox"), layout=Layout(screener="inbox"))

    assert found == [
        'category "A": the label must not be the Inbox',
        "the Screener must not be the Inbox",
    ]


def test_a_child_of_the_inbox_is_a_mailbox_like_any_other() -> None:
    layout = Layout(screener="Inbox/Screener")

    assert mistakes(Category.named("A", destination="Inbox/A"), layout=layout) == []


@pytest.mark.parametrize("path", ["/A", "A/", "A//B", "A/ /B", " A", "A /B"])
def test_paths_with_empty_parts_or_blanks_at_the_edges(path: str) -> None:
    assert mistakes(Category.named("X", destination=path)) == [
        (
            f'category "X": the destination "{path}" has a part that is empty,'
            " or begins or ends with a blank"
        )
    ]


def test_empty_names_of_everything() -> None:
    layout = Layout(screener="", error_label=" ", provenance_group="")

    found = mistakes(Category("", label="", group=" ", destination=""), layout=layout)

    assert found == [
        "category 1: the name is empty",
        'category "": the group is empty',
        "the provenance group is empty",
        "the Screener is empty",
        "the error label is empty",
        'category "": the label is empty',
        'category "": the destination is empty',
    ]


def test_every_mistake_is_reported_at_once() -> None:
    found = mistakes(
        Category.named("A", parent="B"),
        Category.named("B", parent="A"),
        Category.named("C", parent="Nobody", destination="Inbox"),
        Category.named("D", destination="Screener", group="Mailroom"),
    )

    assert len(found) == 5


def test_a_mistake_is_one_line_even_if_the_name_is_not() -> None:
    [mistake] = mistakes(Category.named("A\nB", parent="A\nC"), Category.named("Z"))

    assert "\n" not in mistake


def test_spaces_do_not_get_into_labels() -> None:
    assert triage_label("My  Paper\tTrail ") == "@ToMyPaperTrail"


NAMES = st.sampled_from(["A", "B", "C", "D", "a", "", "Inbox", "Screener", "A/B", "/"])


@given(st.lists(st.tuples(NAMES, NAMES | st.none(), NAMES), max_size=8))
def test_whatever_the_tree_it_can_be_judged_and_chains_end(
    rows: list[tuple[str, str | None, str]],
) -> None:
    tree = Categories(Category.named(name, parent=up, group=group) for name, up, group in rows)

    assert all("\n" not in mistake for mistake in find_mistakes(tree, LAYOUT))
    for each in tree:
        chain = tree.chain(each)
        assert chain[0] is each
        assert len(chain) == len(set(chain)) <= len(tree)
