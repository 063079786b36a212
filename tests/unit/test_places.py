"""Mailboxes found by path and by role, and what is said of those that are not there."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from mailroom.screener.model.categories import DEFAULTS, Categories, Category, Layout, Special
from mailroom.screener.model.missing import MissingError, UnsuitableError
from mailroom.screener.model.places import Directory, locate, missing_mailboxes, wanted_mailboxes
from mailroom.screener.model.subject import Subject
from tests.support.domain.builders import LAYOUT, PLACES, category, mailboxes

ROLES: Mapping[str, str] = {
    "Inbox": "inbox",
    "Trash": "trash",
    "Drafts": "drafts",
    "Sent": "sent",
    "Spam": "junk",
    "Archive": "archive",
}
OURS = (
    "Screener",
    *("Imbox", "Feed", "Paper Trail", "Jail", "Person", "Billboard", "Truck"),
    *("@ToImbox", "@ToFeed", "@ToPaperTrail", "@ToJail", "@ToPerson", "@ToBillboard", "@ToTruck"),
    *("@ToScreener", "@ToSpam", "@WholeDomain", "@ThisList"),
    *("@MailroomError", "@MailroomWarning"),
)
DIRECTORY = Directory(mailboxes(*ROLES, *OURS, "Projects", roles=ROLES))


def directory(*paths: str, roles: Mapping[str, str] = ROLES) -> Directory:
    return Directory(mailboxes(*paths, roles=roles))


def test_the_default_categories_are_found_in_an_account_that_has_it_all() -> None:
    assert locate(DIRECTORY, DEFAULTS, LAYOUT) == PLACES


def test_the_screener_and_the_destinations_are_managed_and_nothing_else() -> None:
    destinations = {"Imbox", "Feed", "Paper Trail", "Jail", "Person", "Billboard", "Truck"}

    assert PLACES.managed == {"Screener", *destinations}


def test_labels_and_notices_are_marks_and_no_place_for_a_mail() -> None:
    assert PLACES.all_labels == {each for each in OURS if each.startswith("@")}
    assert not PLACES.all_labels & PLACES.managed


def test_a_senders_mail_is_looked_for_where_it_may_need_something() -> None:
    assert PLACES.swept == PLACES.managed | {"@MailroomError", "@MailroomWarning"}


def test_trash_drafts_sent_and_junk_are_known_by_role_never_by_name() -> None:
    roles = {"Inbox": "inbox", "Papierkorb": "trash", "Gesendet": "sent", "Quarantine": "junk"}
    everything = directory(*roles, *OURS, "Trash", "Sent", "Junk", "Drafts", roles=roles)
    places = locate(everything, DEFAULTS, LAYOUT)

    assert places.trash == {"Papierkorb"}
    assert places.sent == {"Gesendet"}
    assert places.junk == {"Quarantine"}
    assert not places.drafts


def test_a_missing_label_of_a_category_stops_nothing_else() -> None:
    there = [path for path in OURS if path != "@ToFeed"]
    places = locate(directory(*ROLES, *there), DEFAULTS, LAYOUT)

    assert places.missing_labels == ("@ToFeed",)
    assert places.labels.keys() == PLACES.labels.keys() - {"@ToFeed"}
    assert places.destinations == PLACES.destinations
    news = Subject("*@corp.example")
    assert places.labels_for(news, category("Feed")) == frozenset()
    assert places.labels_for(news, category("Jail")) == {"@ToJail", "@WholeDomain"}


@pytest.mark.parametrize("path", ["@ToScreener", "@MailroomError", "Feed"])
def test_with_another_mailbox_missing_labels_are_named_too(path: str) -> None:
    there = [each for each in OURS if each not in {path, "@ToFeed"}]
    with pytest.raises(MissingError) as missing:
        locate(directory(*ROLES, *there), DEFAULTS, LAYOUT)
    assert {*missing.value.mailboxes} == {path, "@ToFeed"}


def test_the_inbox_is_known_by_role_whatever_it_is_called() -> None:
    roles = {"Posteingang": "inbox"}
    places = locate(directory("Posteingang", "Inbox", *OURS, roles=roles), DEFAULTS, LAYOUT)

    assert places.inbox == "Posteingang"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("Inbox/Screener", "INBOX/Screener"),
        ("INBOX/Screener", "INBOX/Screener"),
        ("Screener", None),
        ("Work/Feed", "Work/Feed"),
        ("Feed", "Feed"),
        ("Work", "Work"),
        ("Work/Feed/Deep", None),
        ("work/feed", None),
        ("Work/", None),
        ("", None),
    ],
)
def test_a_path_leads_to_one_mailbox_at_its_place(path: str, found: str | None) -> None:
    paths = ("INBOX", "INBOX/Screener", "Work", "Work/Feed", "Feed")

    assert directory(*paths, roles={"INBOX": "inbox"}).find(path) == found


def test_composed_and_decomposed_letters_are_the_same_name() -> None:
    assert directory("Entwu\u0308rfe").find("Entw\u00fcrfe") == "Entwu\u0308rfe"


def test_a_mailbox_has_the_path_that_a_person_would_give_it() -> None:
    assert directory("Work", "Work/Feed").path("Work/Feed") == "Work/Feed"


@pytest.mark.parametrize("mailbox_id", ["unknown", ""])
def test_a_mailbox_that_is_gone_has_no_path(mailbox_id: str) -> None:
    assert directory("Work").path(mailbox_id) == ""


def test_mailboxes_that_are_each_others_parents_do_no_harm() -> None:
    one, other = mailboxes("one", "other")
    odd = Directory([replace(one, parent_id="other"), replace(other, parent_id="one")])

    assert odd.find("one") is None
    assert odd.path("one") in {"other/one", "one/other"}


def test_looking_up_what_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="Feed"):
        directory("Work")["Feed"]


def test_everything_that_is_missing_is_named_at_once() -> None:
    there = directory("Inbox", *(set(OURS) - {"Feed", "@ToJail", "Screener"}))

    with pytest.raises(MissingError) as caught:
        locate(there, DEFAULTS, LAYOUT)
    assert sorted(caught.value.mailboxes) == ["@ToJail", "Feed", "Screener"]
    assert "Feed" in str(caught.value)
    assert "mailroom setup --apply" in str(caught.value)


def test_an_account_without_an_inbox_is_missing_it() -> None:
    assert missing_mailboxes(directory(*OURS), DEFAULTS, LAYOUT) == ["Inbox"]


def test_the_warning_label_is_needed_only_if_it_is_used() -> None:
    silent = Layout(warn_on_name_mismatch=False)
    there = directory("Inbox", *(set(OURS) - {"@MailroomWarning"}))

    assert missing_mailboxes(there, DEFAULTS, LAYOUT) == ["@MailroomWarning"]
    assert locate(there, DEFAULTS, silent).warning is None


def test_a_warning_label_that_is_not_used_is_a_mailbox_like_any_other() -> None:
    places = locate(DIRECTORY, DEFAULTS, Layout(warn_on_name_mismatch=False))

    assert "@MailroomWarning" not in places.all_labels | places.managed | places.swept


def test_no_mailbox_is_wanted_twice_and_all_of_ours_are() -> None:
    wanted = wanted_mailboxes(DEFAULTS, LAYOUT)

    assert sorted(wanted) == sorted(OURS)


def test_labels_and_destinations_are_those_that_the_configuration_names() -> None:
    news = Category.named("News", label="#read", destination="Reading/News")
    categories = Categories([news])
    layout = Layout(screener="Inbox/Screener", screener_label="#undo")
    paths = ("Inbox", "Inbox/Screener", "Reading", "Reading/News", "#read", "#undo")
    there = directory(*paths, *(path for path in OURS[8:] if path != "@ToScreener"))
    places = locate(there, categories, layout)

    assert places.labels == {"#read": news, "#undo": None, "@ToSpam": Special.SPAM}
    assert places.managed == {"Inbox/Screener", "Reading/News"}


def test_each_label_means_its_category_and_one_means_the_way_back() -> None:
    assert PLACES.labels["@ToPaperTrail"] == category("Paper Trail")
    assert PLACES.labels["@ToScreener"] is None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            MissingError(mailboxes=["Feed", "Work/Jail"]),
            "mailboxes missing: Feed, Work/Jail (`mailroom setup --apply` creates them)",
        ),
        (
            MissingError(groups=["Feed"]),
            "contact groups missing: Feed (`mailroom setup --apply` creates them)",
        ),
        (
            MissingError(mailboxes=["Feed"], groups=["Jail"]),
            (
                "mailboxes missing: Feed; contact groups missing: Jail"
                " (`mailroom setup --apply` creates them)"
            ),
        ),
    ],
    ids=["mailboxes", "groups", "both"],
)
def test_what_is_missing_is_said_with_the_command_that_helps(
    error: MissingError, text: str
) -> None:
    assert str(error) == text


@pytest.mark.parametrize(
    ("chosen", "roles"),
    [
        (Category.named("Block", destination="Trash"), {"Trash": "trash"}),
        (Category.named("Block", destination="Spam"), {"Spam": "junk"}),
        (Category.named("Feed", label="Archive"), {"Archive": "archive"}),
        (Category.named("Feed", label="Sent"), {"Sent": "sent"}),
    ],
)
def test_mailboxes_with_a_purpose_of_their_own_are_refused(
    chosen: Category, roles: dict[str, str]
) -> None:
    everything = directory(*ROLES, *OURS, chosen.destination, chosen.label)
    with pytest.raises(UnsuitableError) as refused:
        locate(everything, Categories([chosen]), LAYOUT)

    assert refused.value.roles == roles
    assert next(iter(roles)) in str(refused.value)


def test_the_archive_may_be_a_destination() -> None:
    everything = directory(*ROLES, *OURS, "@ToDone")
    places = locate(everything, Categories([Category.named("Done", destination="Archive")]), LAYOUT)

    assert places.destinations == {"Done": "Archive"}
