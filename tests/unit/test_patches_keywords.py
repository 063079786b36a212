"""Spam, waived mail, and mail that is marked as read: mailboxes and keywords of a patch."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import DEFAULTS, Special
from mailroom.screener.model.keywords import FORGED, JUNK, NOT_JUNK, SEEN, SPAM, WAIVED
from mailroom.screener.model.patches import Target, file_labelled, file_swept, target_of
from tests.support.domain.builders import ELSEWHERE, PLACES, category, mail, patched

SPAM_TARGET = target_of(Special.SPAM, DEFAULTS, PLACES)
LEFT_ALONE = ["Trash", "Drafts", "Sent"]
SPAM_KEYWORDS = {JUNK: True, SPAM: True}


def target(name: str) -> Target:
    return target_of(category(name), DEFAULTS, PLACES)


def sweep(email: Email, goal: Target) -> Patch | None:
    return file_swept(email, goal, PLACES, remove_warning=True)


def label(email: Email, goal: Target) -> Patch:
    return file_labelled(email, goal, PLACES, warn=False)


def keywords(patch: Patch | None) -> dict[str, bool | None]:
    """Return the keywords that a patch sets or removes."""
    return {
        path.removeprefix("keywords/"): value
        for path, value in (patch or {}).items()
        if path.startswith("keywords/")
    }


def after(email: Email, patch: Patch | None) -> Email:
    """Return a mail after a patch."""
    present = set(email.keywords)
    for name, value in keywords(patch).items():
        (present.discard if value is None else present.add)(name)
    mailboxes = patched(email.mailbox_ids, patch)
    return replace(email, mailbox_ids=mailboxes, keywords=frozenset(present))


# Spam


def test_spam_goes_to_junk_and_not_to_the_inbox() -> None:
    wanted = Target(frozenset({"Spam"}), add_to_inbox=False, is_spam=True)
    assert target_of(Special.SPAM, DEFAULTS, PLACES) == wanted


def test_spam_goes_to_one_of_several_junk_mailboxes() -> None:
    places = replace(PLACES, junk=frozenset({"b", "a"}))
    assert target_of(Special.SPAM, DEFAULTS, places).destinations == {"a"}


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"Screener"}, {"Spam"}),
        ({"Screener", "Inbox"}, {"Spam"}),
        ({"Screener", "Feed"}, {"Spam"}),
        ({"Screener", "Projects"}, {"Spam", "Projects"}),
    ],
)
def test_waiting_mail_of_a_spammer_is_filed_with_the_keywords(
    before: Collection[str], wanted: set[str]
) -> None:
    email = mail(*before)
    patch = sweep(email, SPAM_TARGET)
    assert patched(email.mailbox_ids, patch) == wanted
    assert keywords(patch) == SPAM_KEYWORDS


@pytest.mark.parametrize(
    "before",
    [{"Feed"}, {"Imbox", "Inbox"}, {"Inbox"}, {"Archive"}, {"Spam"}]
    + [{"Screener", place} for place in [*LEFT_ALONE, "Spam"]],
)
def test_other_mail_of_a_spammer_is_left_alone(before: set[str]) -> None:
    assert sweep(mail(*before), SPAM_TARGET) is None


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"Screener"}, {"Spam"}),
        ({"Feed"}, {"Spam"}),
        ({"Imbox", "Inbox"}, {"Spam"}),
        ({"Projects"}, {"Spam", "Projects"}),
        (set(), {"Spam"}),
    ],
)
def test_a_mail_labelled_as_spam_is_filed_from_anywhere(before: set[str], wanted: set[str]) -> None:
    email = mail(*before, "@ToSpam")
    patch = label(email, SPAM_TARGET)
    assert patched(email.mailbox_ids, patch) == wanted
    assert keywords(patch) == SPAM_KEYWORDS


@pytest.mark.parametrize("place", LEFT_ALONE)
def test_a_mail_labelled_as_spam_in_trash_drafts_or_sent_only_loses_the_label(place: str) -> None:
    email = mail(place, "@ToSpam")
    patch = label(email, SPAM_TARGET)
    assert patched(email.mailbox_ids, patch) == {place}
    assert not keywords(patch)


def test_spam_is_not_said_to_be_no_junk() -> None:
    waiting = mail("Screener", keywords=[NOT_JUNK])
    assert keywords(sweep(waiting, SPAM_TARGET)) == {**SPAM_KEYWORDS, NOT_JUNK: None}
    in_junk = mail("Spam", "@ToSpam", keywords=[JUNK])
    assert keywords(label(in_junk, SPAM_TARGET)) == SPAM_KEYWORDS


# Spam that comes back


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("Screener", {"Screener"}), ("Feed", {"Feed"}), ("Imbox", {"Imbox", "Inbox"})],
)
def test_spam_of_mailroom_comes_back(name: str, wanted: set[str]) -> None:
    """With the label, and without it on the other mail of the sender."""
    email = mail("Spam", keywords=[JUNK, SPAM])
    labelled = replace(email, mailbox_ids=email.mailbox_ids | {"@ToFeed"})
    for filed in (
        after(email, sweep(email, target(name))),
        after(labelled, label(labelled, target(name))),
    ):
        assert filed.mailbox_ids == wanted
        assert filed.keywords == {NOT_JUNK}


@pytest.mark.parametrize(
    ("mailboxes", "present"),
    [
        (("Spam",), ()),
        (("Spam",), (JUNK,)),
        (("Archive",), (SPAM,)),
        (("Spam", "Trash"), (JUNK, SPAM)),
        (("Spam",), (JUNK, SPAM, FORGED)),
    ],
)
def test_other_junk_of_the_sender_stays_where_it_is(
    mailboxes: tuple[str, ...], present: tuple[str, ...]
) -> None:
    """Spam that the provider filed, that the owner moved, or that has a forged From."""
    for name in ("Screener", "Feed"):
        assert sweep(mail(*mailboxes, keywords=present), target(name)) is None


def test_spam_of_mailroom_stays_if_it_is_spam_again() -> None:
    assert sweep(mail("Spam", keywords=[JUNK, SPAM]), SPAM_TARGET) in (None, {})


def test_mail_that_an_app_took_out_of_junk_is_spam_of_mailroom_no_more() -> None:
    """Else a later decision would take it out of Junk again, if its owner put it there."""
    email = mail("Inbox", "@ToFeed", keywords=[NOT_JUNK, SPAM])
    assert after(email, label(email, target("Feed"))).keywords == {NOT_JUNK}
    waiting = mail("Screener", keywords=[NOT_JUNK, SPAM])
    assert after(waiting, sweep(waiting, target("Feed"))).keywords == {NOT_JUNK}


# Mail that was waived


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Feed", {"Feed"}),
        ("Imbox", {"Imbox", "Inbox"}),
        ("Paper Trail", {"Paper Trail"}),
        ("Screener", {"Screener"}),
    ],
)
def test_waived_mail_is_filed_out_of_the_archive(name: str, wanted: set[str]) -> None:
    email = mail("Archive", keywords=[WAIVED])
    labelled = replace(email, mailbox_ids=email.mailbox_ids | {"@ToFeed"})
    for filed in (
        after(email, sweep(email, target(name))),
        after(labelled, label(labelled, target(name))),
    ):
        assert filed.mailbox_ids == wanted
        assert not filed.keywords


def test_waived_mail_keeps_the_owners_mailboxes() -> None:
    email = mail("Archive", "Projects", keywords=[WAIVED])
    assert after(email, sweep(email, target("Feed"))).mailbox_ids == {"Feed", "Projects"}


@pytest.mark.parametrize(
    ("mailboxes", "present"),
    [
        (("Archive",), ()),
        (("Projects",), (WAIVED,)),
        (("Trash",), (WAIVED,)),
        (("Archive", "Trash"), (WAIVED,)),
        (("Archive",), (WAIVED, FORGED)),
    ],
)
def test_other_mail_in_the_archive_stays_there(
    mailboxes: tuple[str, ...], present: tuple[str, ...]
) -> None:
    assert sweep(mail(*mailboxes, keywords=present), target("Feed")) is None


def test_waived_mail_of_a_spammer_stays_in_the_archive() -> None:
    """Only waiting mail is filed as spam."""
    assert sweep(mail("Archive", keywords=[WAIVED]), SPAM_TARGET) is None


def test_waived_mail_that_waits_again_is_waived_no_more() -> None:
    email = mail("Screener", keywords=[WAIVED])
    assert after(email, sweep(email, target("Feed"))) == mail("Feed")


# Mail that is marked as read

JAIL, FEED = target("Jail"), target("Feed")


def test_only_categories_that_say_so_mark_mail_as_read() -> None:
    assert JAIL.mark_seen
    assert not any(target(name).mark_seen for name in ("Feed", "Imbox", "Screener"))
    assert not SPAM_TARGET.mark_seen


@pytest.mark.parametrize("before", [("Screener",), ("Imbox", "Inbox"), ("Feed", "Projects")])
def test_mail_that_moves_into_the_category_is_marked_as_read(before: tuple[str, ...]) -> None:
    assert keywords(sweep(mail(*before), JAIL)) == {SEEN: True}
    assert keywords(label(mail(*before, "@ToJail"), JAIL)) == {SEEN: True}
    assert not keywords(sweep(mail(*before), FEED))


def test_mail_that_is_read_gets_no_keyword() -> None:
    assert not keywords(sweep(mail("Screener", keywords=[SEEN]), JAIL))


def test_mail_in_the_category_that_its_owner_marked_as_unread_stays_unread() -> None:
    assert sweep(mail("Jail"), JAIL) is None
    assert not keywords(label(mail("Jail", "@ToJail"), JAIL))
    assert not keywords(sweep(mail("Jail", "Screener"), JAIL))


@pytest.mark.parametrize("place", ELSEWHERE)
def test_mail_that_is_not_moved_is_not_marked_as_read(place: str) -> None:
    assert sweep(mail(place), JAIL) is None


@pytest.mark.parametrize("place", LEFT_ALONE)
def test_labelled_mail_in_trash_drafts_or_sent_is_not_marked_as_read(place: str) -> None:
    assert not keywords(label(mail(place, "@ToJail"), JAIL))


# Any mail

ANYWHERE = sorted({*PLACES.swept, *PLACES.labels, *ELSEWHERE})
MAILS = st.builds(
    lambda boxes, present: mail(*boxes, keywords=present),
    st.sets(st.sampled_from(ANYWHERE), min_size=1),
    st.sets(st.sampled_from([SEEN, JUNK, NOT_JUNK, SPAM, WAIVED, FORGED])),
)
TARGETS = st.sampled_from([SPAM_TARGET, JAIL, FEED, target("Imbox"), target("Screener")])


@given(email=MAILS, goal=TARGETS)
def test_a_swept_mail_needs_no_second_sweep(email: Email, goal: Target) -> None:
    once = after(email, sweep(email, goal))
    assert after(once, sweep(once, goal)) == once


@given(email=MAILS, goal=TARGETS)
def test_a_filed_mail_is_never_junk_and_no_junk_at_once(email: Email, goal: Target) -> None:
    filed = after(email, label(email, goal))
    if not email.mailbox_ids & {*LEFT_ALONE}:
        assert not {JUNK, NOT_JUNK} <= filed.keywords
        assert (SPAM in filed.keywords) is goal.is_spam
        assert WAIVED not in filed.keywords
        assert ("Spam" in filed.mailbox_ids) is goal.is_spam
