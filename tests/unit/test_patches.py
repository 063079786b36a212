"""Where mail goes: every category, from every place, and what no patch may ever do."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.mail import Email, Patch
from mailroom.screener.model.categories import DEFAULTS, Categories, Category, Special
from mailroom.screener.model.keywords import FORGED
from mailroom.screener.model.missing import MissingRoleError
from mailroom.screener.model.patches import (
    Target,
    add_label,
    file_labelled,
    file_swept,
    moves_mail,
    remove_labels,
    target_of,
)
from mailroom.screener.model.places import Places
from tests.support.domain.builders import (
    ELSEWHERE,
    LAYOUT,
    PLACES,
    category,
    mail,
    patched,
    places_for,
)

FILED: dict[str, set[str]] = {
    "Imbox": {"Imbox", "Inbox"},
    "Feed": {"Feed"},
    "Paper Trail": {"Paper Trail"},
    "Jail": {"Jail"},
    "Person": {"Person", "Imbox", "Inbox"},
    "Billboard": {"Billboard", "Paper Trail"},
    "Truck": {"Truck", "Paper Trail"},
    "Screener": {"Screener"},
}
"""Where mail that waited in the Screener is afterwards, by the category (or the way back)."""
KEPT = {"Trash", "Drafts", "Sent"}


def target(name: str) -> Target:
    return target_of(category(name), DEFAULTS, PLACES)


def swept(before: Iterable[str], name: str, *, clean: bool = True) -> AbstractSet[str]:
    """Where another mail of a decided sender is afterwards."""
    email = mail(*before)
    return patched(email.mailbox_ids, file_swept(email, target(name), PLACES, remove_warning=clean))


def labelled(before: Iterable[str], name: str, *, warn: bool = False) -> AbstractSet[str]:
    """Where a mail with the label of a category is afterwards."""
    label = "@To" + name.replace(" ", "")
    email = mail(*before, label)
    return patched(email.mailbox_ids, file_labelled(email, target(name), PLACES, warn=warn))


@pytest.mark.parametrize(("name", "after"), list(FILED.items()), ids=list(FILED))
def test_mail_in_the_screener_goes_where_the_category_says(name: str, after: set[str]) -> None:
    assert swept({"Screener"}, name) == after
    assert labelled({"Screener"}, name) == after


@pytest.mark.parametrize(("place", "name"), list(product(ELSEWHERE, FILED)))
def test_mail_in_no_managed_mailbox_is_left_alone(place: str, name: str) -> None:
    assert file_swept(mail(place), target(name), PLACES, remove_warning=True) is None


@pytest.mark.parametrize("name", list(FILED))
def test_forged_mail_is_not_filed_for_the_sake_of_its_from(name: str) -> None:
    email = mail("Screener", LAYOUT.warning_label, keywords=[FORGED])
    assert file_swept(email, target(name), PLACES, remove_warning=True) is None


@pytest.mark.parametrize("name", list(FILED))
def test_forged_mail_with_a_label_is_filed_like_any_other(
    name: str,
) -> None:
    """Its owner has looked at it, so it loses the keyword for forged mail."""
    email = mail("Screener", LAYOUT.warning_label, "@ToFeed", keywords=[FORGED])
    patch = dict(file_labelled(email, target(name), PLACES, warn=False))
    assert patch.pop(f"keywords/{FORGED}") is None
    assert patched(email.mailbox_ids, patch) == FILED[name]


@pytest.mark.parametrize("name", FILED)
@pytest.mark.parametrize(
    ("place", "keywords"), [("Spam", ["$junk", "own"]), ("Spam", []), ("Inbox", ["$junk"])]
)
def test_a_labelled_mail_that_was_junk_is_none_any_more(
    name: str, place: str, keywords: list[str]
) -> None:
    """The keywords change in the patch that files it: no app may see one without the other."""
    patch = file_labelled(
        mail(place, "@ToFeed", keywords=keywords), target(name), PLACES, warn=False
    )

    told = {path: value for path, value in patch.items() if path.startswith("keywords/")}
    off = {"keywords/$junk": None} if "$junk" in keywords else {}
    read = {"keywords/$seen": True} if name == "Jail" else {}
    assert told == {**off, **read, "keywords/$notjunk": True}


@pytest.mark.parametrize("place", ["Trash", "Drafts", "Sent"])
def test_junk_that_only_loses_its_label_stays_junk(place: str) -> None:
    email = mail(place, "Spam", "@ToFeed", keywords=["$junk"])
    patch = file_labelled(email, target("Feed"), PLACES, warn=False)

    assert not any(path.startswith("keywords/") for path in patch)


@pytest.mark.parametrize("keywords", [[], ["$notjunk"], ["$seen"]])
def test_mail_that_was_no_junk_gets_no_keyword(keywords: list[str]) -> None:
    email = mail("Screener", "@ToFeed", keywords=keywords)
    patch = file_labelled(email, target("Feed"), PLACES, warn=False)

    assert not any(path.startswith("keywords/") for path in patch)


@pytest.mark.parametrize("place", ["Trash", "Drafts", "Sent", "Spam"])
@pytest.mark.parametrize("managed", ["Screener", "Feed", "Imbox"])
@pytest.mark.parametrize("name", list(FILED))
def test_mail_in_trash_drafts_sent_or_junk_is_left_alone_wherever_else_it_is(
    place: str, name: str, managed: str
) -> None:
    assert file_swept(mail(place, managed), target(name), PLACES, remove_warning=True) is None


@pytest.mark.parametrize(
    ("place", "name", "after"),
    [
        *[("Inbox", name, after) for name, after in FILED.items()],
        *[("Spam", name, after) for name, after in FILED.items()],
        *[("Archive", name, (after - {"Inbox"}) | {"Archive"}) for name, after in FILED.items()],
        *[("Projects", name, (after - {"Inbox"}) | {"Projects"}) for name, after in FILED.items()],
        *[(place, name, {place}) for place, name in product(sorted(KEPT), FILED)],
    ],
)
def test_a_labelled_mail_is_filed_wherever_it_lies_but_for_trash_drafts_and_sent(
    place: str, name: str, after: set[str]
) -> None:
    assert labelled({place}, name) == after


@pytest.mark.parametrize(("name", "after"), list(FILED.items()), ids=list(FILED))
def test_an_app_that_moves_mail_into_the_label_is_as_good(name: str, after: set[str]) -> None:
    assert labelled((), name) == after
    assert labelled({"@MailroomError"}, name) == after


@pytest.mark.parametrize("place", sorted(KEPT))
def test_a_labelled_mail_in_trash_drafts_or_sent_loses_the_label_and_nothing_else(
    place: str,
) -> None:
    assert labelled({place, "Screener", "Projects"}, "Feed") == {place, "Screener", "Projects"}
    assert labelled({place}, "Feed", warn=True) == {place}


RETRIAGE = [
    ({"Feed"}, "Imbox", {"Imbox"}, "archived before: not back into the Inbox"),
    ({"Imbox", "Inbox"}, "Paper Trail", {"Paper Trail"}, "out of the Inbox again"),
    ({"Imbox", "Inbox"}, "Feed", {"Feed"}, "out of the Inbox to the Feed"),
    ({"Imbox", "Inbox"}, "Person", {"Person", "Imbox", "Inbox"}, "to a child that is in the Inbox"),
    ({"Imbox"}, "Person", {"Person", "Imbox"}, "archived by hand: stays archived"),
    ({"Person", "Imbox", "Inbox"}, "Imbox", {"Imbox", "Inbox"}, "to the parent"),
    ({"Person", "Imbox", "Inbox"}, "Jail", {"Jail"}, "out of the whole chain"),
    ({"Billboard", "Paper Trail"}, "Truck", {"Truck", "Paper Trail"}, "to a sibling"),
    ({"Paper Trail"}, "Truck", {"Truck", "Paper Trail"}, "to a child"),
    ({"Truck", "Paper Trail"}, "Paper Trail", {"Paper Trail"}, "to the parent only"),
    ({"Truck"}, "Truck", {"Truck", "Paper Trail"}, "half filed, as after a crash"),
    ({"Screener", "Inbox"}, "Feed", {"Feed"}, "out of Screener and Inbox"),
    ({"Screener", "Inbox"}, "Imbox", {"Imbox", "Inbox"}, "in the Inbox already"),
    ({"Screener", "Feed"}, "Imbox", {"Imbox", "Inbox"}, "waits still, though filed"),
    ({"Feed", "Projects", "Archive"}, "Jail", {"Jail", "Projects", "Archive"}, "own folders stay"),
    ({"Imbox", "Inbox"}, "Screener", {"Screener"}, "undo: out of the Inbox"),
    ({"Person", "Imbox", "Inbox"}, "Screener", {"Screener"}, "undo of a chain"),
    ({"Imbox"}, "Screener", {"Screener"}, "undo of what was archived"),
    ({"Feed", "Projects"}, "Screener", {"Screener", "Projects"}, "undo leaves own folders"),
]


@pytest.mark.parametrize(
    ("before", "name", "after"), [row[:3] for row in RETRIAGE], ids=[row[3] for row in RETRIAGE]
)
def test_a_change_of_mind_moves_mail_from_one_place_to_the_other(
    before: set[str], name: str, after: set[str]
) -> None:
    assert swept(before, name) == after
    assert labelled(before, name) == after


QUIET = Categories([*DEFAULTS, Category.named("Quiet", parent="Imbox")])
QUIET_PLACES = places_for(QUIET)


@pytest.mark.parametrize("before", [{"Screener"}, {"Imbox", "Inbox"}, {"Screener", "Inbox"}])
def test_add_to_inbox_is_not_inherited(before: set[str]) -> None:
    quiet = target_of(QUIET.by_name("Quiet"), QUIET, QUIET_PLACES)
    email = mail(*before)

    assert patched(before, file_swept(email, quiet, QUIET_PLACES, remove_warning=True)) == {
        "Quiet",
        "Imbox",
    }


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ({"Feed"}, "Feed"),
        ({"Imbox", "Inbox"}, "Imbox"),
        ({"Imbox"}, "Imbox"),
        ({"Person", "Imbox", "Projects"}, "Person"),
        ({"Screener"}, "Screener"),
    ],
)
def test_mail_that_is_where_it_belongs_is_not_written(before: set[str], name: str) -> None:
    assert file_swept(mail(*before), target(name), PLACES, remove_warning=True) is None


@pytest.mark.parametrize(
    ("before", "clean", "after"),
    [
        ({"Feed", "@MailroomWarning"}, True, {"Feed"}),
        ({"Feed", "@MailroomWarning"}, False, {"Feed", "@MailroomWarning"}),
        ({"Screener", "@MailroomWarning"}, True, {"Feed"}),
        ({"Screener", "@MailroomWarning"}, False, {"Feed", "@MailroomWarning"}),
        ({"Archive", "@MailroomWarning"}, True, {"Archive"}),
        ({"Screener", "@MailroomError"}, True, {"Feed"}),
        ({"Screener", "@MailroomError"}, False, {"Feed"}),
        ({"Archive", "@MailroomError"}, True, {"Archive"}),
        ({"@MailroomError"}, True, {"Inbox"}),
    ],
)
def test_notices_on_other_mail_of_the_sender_come_off(
    before: set[str], *, clean: bool, after: set[str]
) -> None:
    assert swept(before, "Feed", clean=clean) == after


@pytest.mark.parametrize(
    ("before", "warn", "after"),
    [
        ({"Screener"}, True, {"Feed", "@MailroomWarning"}),
        ({"Screener", "@MailroomWarning"}, True, {"Feed", "@MailroomWarning"}),
        ({"Screener", "@MailroomWarning"}, False, {"Feed"}),
        ({"Screener", "@MailroomError"}, False, {"Feed"}),
        ({"Screener", "@MailroomError"}, True, {"Feed", "@MailroomWarning"}),
        ({"Screener", "@ToJail"}, False, {"Feed"}),
    ],
)
def test_notices_on_labelled_mail_say_how_it_is_now(
    before: set[str], *, warn: bool, after: set[str]
) -> None:
    assert labelled(before, "Feed", warn=warn) == after


def test_without_a_warning_label_there_is_no_warning() -> None:
    silent = replace(PLACES, warning=None)
    email = mail("Screener", "@ToFeed", "@MailroomWarning")
    patch = file_labelled(email, target("Feed"), silent, warn=True)

    assert patched(email.mailbox_ids, patch) == {"Feed", "@MailroomWarning"}


OWN_MARKS = {*PLACES.labels, "@MailroomError"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Sent", "@ToJail"}, {"Sent"}),
        ({"Sent", "Imbox", "@ToJail", "@ToFeed", "@MailroomError"}, {"Sent", "Imbox"}),
        ({"Drafts", "@ToJail"}, {"Drafts"}),
        ({"@ToJail"}, {"Sent"}),
    ],
)
def test_own_mail_only_loses_the_label(before: set[str], after: set[str]) -> None:
    patch = remove_labels(mail(*before), OWN_MARKS, fallback="Sent")

    assert patched(before, patch) == after


def test_taking_off_what_is_not_on_writes_nothing() -> None:
    assert remove_labels(mail("Inbox"), OWN_MARKS, fallback="Inbox") is None


def test_an_error_label_is_added_and_nothing_else_is_done() -> None:
    email = mail("Screener", "@ToFeed", "@ToJail")

    assert add_label(email, "@MailroomError") == {"mailboxIds/@MailroomError": True}


def test_an_error_label_that_is_on_is_not_written_again() -> None:
    assert add_label(mail("Screener", "@ToFeed", "@MailroomError"), "@MailroomError") is None


# What no patch may ever do, for any mail in any mailboxes.

ANYWHERE = sorted({*PLACES.swept, *PLACES.labels, *ELSEWHERE})
PLACED = st.sets(st.sampled_from(ANYWHERE), min_size=1).map(frozenset)
TARGETS = st.sampled_from([target(name) for name in FILED])
SOME_PLACES = st.sampled_from(
    [
        PLACES,
        replace(PLACES, warning=None),
        replace(PLACES, trash=frozenset(), drafts=frozenset(), sent=frozenset(), junk=frozenset()),
    ]
)
Step = Callable[[Email], Patch | None]


@st.composite
def steps(draw: st.DrawFn) -> tuple[Step, Target | None, Places]:
    """Anything that is ever done to a mail, with its target if it is a filing."""
    places, goal, flag = draw(SOME_PLACES), draw(TARGETS), draw(st.booleans())
    fallback = draw(st.sampled_from(["Inbox", "Sent"]))
    known: list[tuple[Step, Target | None]] = [
        (lambda email: file_swept(email, goal, places, remove_warning=flag), goal),
        (lambda email: file_labelled(email, goal, places, warn=flag), goal),
        (lambda email: remove_labels(email, OWN_MARKS, fallback=fallback), None),
        (lambda email: add_label(email, places.error), None),
    ]
    step, its_goal = draw(st.sampled_from(known))
    return step, its_goal, places


@given(step=steps(), before=PLACED, data=st.data())
def test_no_mail_is_ever_left_in_no_mailbox_whatever_others_do_meanwhile(
    step: tuple[Step, Target | None, Places], before: frozenset[str], data: st.DataObject
) -> None:
    """Another client takes the mail out of any of its mailboxes just before the patch comes."""
    change = step[0](mail(*before))
    if not change:
        return
    removed = data.draw(st.sets(st.sampled_from(sorted(before))))

    assert patched(before - removed, change)
    assert None not in change.values() or True in change.values()


@given(step=steps(), before=PLACED)
def test_doing_it_twice_is_doing_it_once(
    step: tuple[Step, Target | None, Places], before: frozenset[str]
) -> None:
    once = patched(before, step[0](mail(*before)))

    assert patched(once, step[0](mail(*before))) == once


@given(goal=TARGETS, places=SOME_PLACES, before=PLACED, clean=st.booleans())
def test_what_was_swept_once_needs_no_sweeping_again(
    goal: Target, places: Places, before: frozenset[str], *, clean: bool
) -> None:
    once = patched(before, file_swept(mail(*before), goal, places, remove_warning=clean))

    assert file_swept(mail(*once), goal, places, remove_warning=clean) is None


@given(step=steps(), before=PLACED)
def test_what_is_not_mailrooms_is_not_touched_but_for_inbox_and_junk(
    step: tuple[Step, Target | None, Places], before: frozenset[str]
) -> None:
    change, goal, places = step
    after = patched(before, change(mail(*before)))
    in_no_place = not before - places.all_labels
    touched = (before ^ after) - places.managed - places.all_labels

    if goal is not None:
        touched -= {places.inbox} | places.junk
    assert not touched or in_no_place


@given(goal=TARGETS, places=SOME_PLACES, before=PLACED, warn=st.booleans())
def test_a_labelled_mail_is_afterwards_in_the_chains_mailboxes_and_bears_no_label(
    goal: Target, places: Places, before: frozenset[str], *, warn: bool
) -> None:
    change = file_labelled(mail(*before), goal, places, warn=warn)
    after = patched(before, change)

    assert not after & places.labels.keys()
    assert places.error not in after
    if before & (places.trash | places.drafts | places.sent):
        assert after == before - places.all_labels
    else:
        assert after & places.managed == goal.destinations
        assert not after & places.junk
        assert places.warning is None or (places.warning in after) is warn


@given(goal=TARGETS, places=SOME_PLACES, before=PLACED, clean=st.booleans())
def test_a_swept_mail_is_afterwards_in_the_chains_mailboxes_or_where_it_was(
    goal: Target, places: Places, before: frozenset[str], *, clean: bool
) -> None:
    after = patched(before, file_swept(mail(*before), goal, places, remove_warning=clean))
    left_alone = places.trash | places.drafts | places.sent | places.junk
    in_reach = before & places.managed and not before & left_alone

    assert after & places.managed == (goal.destinations if in_reach else before & places.managed)
    assert after & places.labels.keys() == before & places.labels.keys()
    if in_reach and not goal.add_to_inbox:
        assert places.inbox not in after
    if in_reach and goal.add_to_inbox:
        assert (places.inbox in after) is (bool(before & {places.inbox, places.screener}))


def test_a_patch_names_single_mailboxes_never_the_whole_map() -> None:
    change = file_labelled(
        mail("Screener", "Projects", "@ToFeed"), target("Feed"), PLACES, warn=False
    )

    assert change == {
        "mailboxIds/Feed": True,
        "mailboxIds/Screener": None,
        "mailboxIds/@ToFeed": None,
    }


def test_the_way_back_never_adds_to_the_inbox() -> None:
    assert target_of(None, DEFAULTS, PLACES) == Target(
        frozenset({LAYOUT.screener}), add_to_inbox=False
    )


def test_spam_needs_a_junk_folder() -> None:
    with pytest.raises(MissingRoleError, match="junk"):
        target_of(Special.SPAM, DEFAULTS, replace(PLACES, junk=frozenset()))


@pytest.mark.parametrize(
    "before", [["Screener", "@ToFeed"], ["Feed", "Inbox", "@ToFeed"], ["@ToFeed"]]
)
def test_a_labelled_mail_is_moved(before: list[str]) -> None:
    email = mail(*before)
    assert moves_mail(file_labelled(email, target("Feed"), PLACES, warn=False), email, PLACES)


@pytest.mark.parametrize(
    "before", [["Feed", "@ToFeed"], ["Feed", "@ToFeed", "@MailroomError", "@ThisList"]]
)
def test_a_mail_that_only_loses_labels_is_not_moved(before: list[str]) -> None:
    email = mail(*before)
    assert not moves_mail(file_labelled(email, target("Feed"), PLACES, warn=False), email, PLACES)
