"""Own changes told from other people's, by the states that the server names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.runtime.own_changes import OwnChanges
from mailroom.screener.passes.states import StateTrail


def trail(seen: str, *steps: tuple[str, str]) -> StateTrail:
    made = StateTrail(seen)
    for old, new in steps:
        made.add(old, new)
    return made


UNDISTURBED = [
    pytest.param(trail("1"), {"1"}, id="a pass that wrote nothing"),
    pytest.param(trail("1", ("1", "2")), {"1", "2"}, id="one update"),
    pytest.param(trail("1", ("1", "2"), ("2", "3")), {"1", "2", "3"}, id="two updates"),
    pytest.param(trail("1", ("2", "3"), ("1", "2")), {"1", "2", "3"}, id="answers out of order"),
    pytest.param(trail("1", ("1", "1")), {"1"}, id="an update that changed nothing"),
    pytest.param(trail(""), set(), id="a server that names no states"),
]
DISTURBED = [
    pytest.param(trail("1", ("2", "3")), id="before the first update"),
    pytest.param(trail("1", ("1", "2"), ("3", "4")), id="between two updates"),
    pytest.param(trail("1", ("", "2")), id="a server that does not tell the state before"),
    pytest.param(trail("", ("1", "2")), id="no state was read"),
    pytest.param(trail("", ("", "2")), id="neither was told"),
]


@pytest.mark.parametrize(("made", "known"), UNDISTURBED)
def test_states_of_an_unbroken_trail_are_known(made: StateTrail, known: set[str]) -> None:
    assert made.known == known
    assert not made.was_disturbed


@pytest.mark.parametrize("made", DISTURBED)
def test_somebody_elses_change_on_the_trail_is_noticed(made: StateTrail) -> None:
    assert made.was_disturbed


@pytest.mark.parametrize("made", DISTURBED)
def test_what_was_left_behind_by_a_disturbed_trail_is_not_known(made: StateTrail) -> None:
    assert made.known == {made.seen} - {""}


@pytest.mark.parametrize(
    ("made", "end"),
    [
        (trail("1"), "1"),
        (trail("1", ("1", "2"), ("2", "3")), "3"),
        (trail("1", ("2", "3"), ("1", "2")), "3"),
        (trail("1", ("1", "1"), ("1", "2"), ("2", "2")), "2"),
        (trail(""), None),
        *((disturbed.values[0], None) for disturbed in DISTURBED),
    ],
)
def test_the_end_of_a_trail_is_known_as_long_as_it_is_unbroken(
    made: StateTrail, end: str | None
) -> None:
    assert made.end == end


def test_a_trail_that_goes_in_circles_comes_to_an_end() -> None:
    assert trail("1", ("1", "2"), ("2", "1")).end == "1"


@given(
    changes=st.lists(st.booleans(), max_size=8),
    data=st.data(),
)
def test_a_foreign_change_is_seen_whenever_there_was_one_before_our_last(
    changes: list[bool], data: st.DataObject
) -> None:
    """Each change is ours or somebody's; states count up; answers come in any order."""
    steps = [(str(at), str(at + 1)) for at, ours in enumerate(changes) if ours]
    last_of_ours = max((at for at, ours in enumerate(changes) if ours), default=-1)
    made = trail("0", *data.draw(st.permutations(steps)))

    assert made.was_disturbed is (not all(changes[: last_of_ours + 1]))


# What follows from it


def test_the_announcement_of_our_own_update_is_no_news() -> None:
    changes = OwnChanges()
    changes.announced({"Email": "2", "Mailbox": "77"}, at=5.0)
    changes.pass_succeeded(trail("1", ("1", "2")), at=6.0)

    assert changes.take_news() is None


def test_an_announcement_after_the_pass_is_no_news_either() -> None:
    changes = OwnChanges()
    changes.pass_succeeded(trail("1", ("1", "2"), ("2", "3")), at=6.0)
    changes.announced({"Email": "2"}, at=5.0)
    changes.announced({"Email": "3"}, at=5.0)

    assert changes.take_news() is None


def test_somebody_elses_change_after_ours_is_news() -> None:
    changes = OwnChanges()
    changes.pass_succeeded(trail("1", ("1", "2")), at=6.0)
    changes.announced({"Email": "3"}, at=5.0)

    assert changes.take_news() == 5.0


def test_a_foreign_change_before_our_last_state_is_news() -> None:
    """The server folds both changes into one push, whose state is the one we left behind."""
    changes = OwnChanges()
    changes.announced({"Email": "3"}, at=5.0)
    changes.pass_succeeded(trail("1", ("2", "3")), at=6.0)

    assert changes.take_news() == 5.0


def test_somebody_elses_change_in_between_is_news_even_without_a_push() -> None:
    changes = OwnChanges()
    changes.pass_succeeded(trail("1", ("2", "3")), at=6.0)

    assert changes.take_news() == 6.0


@pytest.mark.parametrize("states", [None, {"Mailbox": "5"}], ids=["unreadable", "mailboxes only"])
def test_a_push_without_an_email_state_is_news(states: dict[str, str] | None) -> None:
    changes = OwnChanges()
    changes.pass_succeeded(trail("1"), at=6.0)
    changes.announced(states, at=5.0)

    assert changes.take_news() == 5.0


def test_a_push_before_any_pass_is_news() -> None:
    changes = OwnChanges()
    changes.announced({"Email": "1"}, at=5.0)

    assert changes.take_news() == 5.0


@pytest.mark.parametrize("states", [{"Email": "9"}, None])
def test_news_are_reported_once(states: dict[str, str] | None) -> None:
    changes = OwnChanges()
    changes.announced(states, at=5.0)

    assert [changes.take_news(), changes.take_news()] == [5.0, None]


def test_nothing_heard_is_no_news() -> None:
    assert OwnChanges().take_news() is None


def test_a_push_about_other_accounts_only_is_no_news() -> None:
    changes = OwnChanges()
    changes.pass_succeeded(trail("1"), at=6.0)
    changes.announced({}, at=5.0)

    assert changes.take_news() is None


def test_news_are_as_old_as_the_first_of_them_and_own_changes_do_not_count() -> None:
    changes = OwnChanges()
    changes.announced({"Email": "2"}, at=1.0)
    changes.announced({"Email": "4"}, at=2.0)
    changes.announced({"Email": "5"}, at=3.0)
    changes.announced({"Email": "4"}, at=4.0)
    changes.pass_succeeded(trail("1", ("1", "2")), at=5.0)

    assert changes.take_news() == 2.0


def test_a_flood_during_a_pass_takes_no_memory_and_is_news() -> None:
    changes = OwnChanges()
    for number in range(100_000):
        changes.announced({"Email": str(number)}, at=number)
        changes.announced(None, at=number)
    assert len(changes._announced) <= 1000
    changes.pass_succeeded(StateTrail(), at=1e6)
    assert changes.take_news() == 0
    assert changes.take_news() is None


def test_a_flood_of_states_that_a_pass_went_through_is_still_news() -> None:
    """What was not weighed may have been anything."""
    changes = OwnChanges()
    for number in range(2000):
        changes.announced({"Email": str(number)}, at=number)
    changes._known = frozenset(map(str, range(1000)))
    assert changes.take_news() == 1000


@pytest.mark.parametrize(
    ("announced", "has_news"),
    [
        ([], False),
        ([{"Email": "4"}], False),
        ([{"Email": "3"}, {"Email": "4"}], False),
        ([{"Email": "1"}, {"Email": "2"}], False),
        ([{"Email": "3"}], True),
        ([{"Email": "4"}, {"Email": "5"}], True),
        ([{"Email": "4"}, {"Mailbox": "7"}], True),
        ([None, {"Email": "4"}], True),
    ],
    ids=[
        "nothing",
        "the state that was read",
        "states up to it",
        "own changes of the pass before",
        "a state before or after it",
        "a state after it",
        "mailboxes only",
        "unreadable",
    ],
)
def test_a_reading_lacks_what_was_announced_after_its_state(
    announced: list[dict[str, str] | None],
    has_news: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Asked before the pass writes. After that, these changes are no news: it has read them."""
    changes = OwnChanges()
    changes.pass_succeeded(trail("1", ("1", "2")), at=4.0)
    for states in announced:
        changes.announced(states, at=5.0)

    assert changes.has_news_after("4") is has_news
    assert changes.take_news() is None
