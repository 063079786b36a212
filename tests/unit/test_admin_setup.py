"""Setting up: what is to be created, the rules to enter by hand, and how a check is told."""

from dataclasses import replace

import pytest

from mailroom.admin.check import verdict
from mailroom.admin.inspections import Finding
from mailroom.admin.setup import Lacking, mailbox_creations, rules_text
from mailroom.exits import Exit
from mailroom.screener.model.categories import DEFAULTS, Categories, Category, Layout
from mailroom.screener.model.places import Directory
from tests.support.domain.builders import LAYOUT, mailboxes

INBOX = Directory(mailboxes("Inbox", "Inbox/Old", "Reading", roles={"Inbox": "inbox"}))


def created(directory: Directory, *paths: str) -> dict[str, str]:
    """Path -> parent id, of everything that would be created, as the server would read it."""
    creations = mailbox_creations(directory, paths)
    found: dict[str, str] = {}
    for each in creations.values():
        names, parent = [each["name"]], each["parentId"]
        while parent and parent.startswith("#"):
            above = creations[parent.removeprefix("#")]
            names, parent = [above["name"], *names], above["parentId"]
        found["/".join([*([parent] if parent else []), *names])] = parent or ""
        assert each["isSubscribed"]
    return found


def test_names_are_made_at_the_top() -> None:
    assert created(INBOX, "Screener", "@ToFeed") == {"Screener": "", "@ToFeed": ""}


def test_parents_that_are_there_are_used_and_others_made_once() -> None:
    paths = ("Inbox/Screener", "Reading/News/Weekly", "Reading/News/Daily", "Work/A", "Work")
    assert created(INBOX, *paths) == {
        "Inbox/Screener": "Inbox",
        "Reading/News": "Reading",
        "Reading/News/Weekly": "Reading",
        "Reading/News/Daily": "Reading",
        "Work": "",
        "Work/A": "",
    }


def test_a_parent_is_created_before_its_child() -> None:
    creations = mailbox_creations(INBOX, ["a/b/c"])
    assert [each["name"] for each in creations.values()] == ["a", "b", "c"]
    assert [each["parentId"] for each in creations.values()] == [None, "#m0", "#m1"]


def test_the_inbox_is_found_under_any_name() -> None:
    directory = Directory(mailboxes("Posteingang", roles={"Posteingang": "inbox"}))
    assert created(directory, "Inbox/Screener") == {"Posteingang/Screener": "Posteingang"}


def test_nothing_is_created_twice() -> None:
    assert mailbox_creations(INBOX, ["Inbox/Old", "Reading"]) == {}


def test_missing_things_are_listed_line_by_line() -> None:
    lacking = Lacking(INBOX, ("Screener", "Reading/News"), ("Feed",))
    assert list(lacking.lines()) == [
        "mailbox  Screener",
        "mailbox  Reading/News",
        "group    Feed",
    ]
    assert lacking
    assert not replace(lacking, mailboxes=(), groups=())


def test_the_rules_file_by_group_and_screen_the_rest_last() -> None:
    rules = list(rules_text(DEFAULTS, LAYOUT))
    assert rules[:4] == [
        '1. Sender in contact group "Imbox" (Fastmail: fromin:"Imbox"):',
        '   add the label "Imbox", keep it in the Inbox, go on with the next rule.',
        '2. Sender in contact group "Feed" (Fastmail: fromin:"Feed"):',
        '   add the label "Feed", archive it, go on with the next rule.',
    ]
    assert rules[-5:] == [
        "8. Sender not in contacts (Fastmail: NOT fromin:contacts):",
        '   add the label "Screener", archive it.',
        "These rules do not know decisions on lists and whole domains; Mailroom does.",
        "Rule 8 puts such mail into the Screener. The service files it from there as it",
        "comes, if new mail is screened. Mail that came before the service ran stays.",
    ]


def test_a_rule_marks_mail_as_read_if_the_category_does() -> None:
    rules = [line for line in rules_text(DEFAULTS, LAYOUT) if "mark it as read" in line]
    assert rules == [
        '   add the label "Jail", mark it as read, archive it, go on with the next rule.'
    ]


def test_a_parents_rule_leaves_mail_unread_for_a_child_that_wants_it_so() -> None:
    family = [
        Category.named("Bulk", mark_seen=True),
        Category.named("Daily", parent="Bulk"),
        Category.named("Weekly", parent="Bulk", mark_seen=True),
    ]
    rules = [line for line in rules_text(Categories(family), LAYOUT) if "add the label" in line]
    assert [line.split(", ")[1] for line in rules] == [
        'mark it as read (unless sender in "Daily")',
        "archive it",
        "mark it as read",
        "archive it.",
    ]


def test_the_rules_speak_of_groups_and_mailboxes_as_they_are_configured() -> None:
    family = Category.named("Family", group="Kin", destination="Home/Family", add_to_inbox=True)
    rules = "\n".join(rules_text(Categories([family]), Layout(screener="Inbox/Screener")))
    assert 'group "Kin"' in rules
    assert '"Home/Family", keep it in the Inbox' in rules
    assert 'add the label "Inbox/Screener"' in rules


def test_a_parents_rule_leaves_the_inbox_to_a_child_that_wants_it() -> None:
    family = [
        Category.named("Reading"),
        Category.named("Daily", parent="Reading", add_to_inbox=True),
        Category.named("Weekly", parent="Reading"),
    ]
    rules = [line for line in rules_text(Categories(family), LAYOUT) if "add the label" in line]
    assert [line.split(", ")[1] for line in rules] == [
        'archive it (unless sender in "Daily")',
        "keep it in the Inbox",
        "archive it",
        "archive it.",
    ]


# A check


def test_a_finding_is_a_line_with_more_below_it() -> None:
    bad = Finding("groups", "missing:", Exit.INCOMPLETE, ("Feed", "Jail"))
    assert list(bad.text()) == ["BAD  groups: missing:", "       Feed", "       Jail"]
    assert list(Finding("push", "alive").text()) == ["ok   push: alive"]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], Exit.OK),
        ([Exit.OK, Exit.OK], Exit.OK),
        ([Exit.OK, Exit.CREDENTIALS, Exit.INCOMPLETE], Exit.CREDENTIALS),
        ([Exit.INCOMPLETE, Exit.FAILED], Exit.INCOMPLETE),
    ],
)
def test_the_first_bad_finding_gives_the_exit_code(codes: list[Exit], expected: Exit) -> None:
    assert verdict(Finding("x", "y", code) for code in codes) is expected
