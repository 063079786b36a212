"""Whether push should have told of what a poll found; and how much of what it tells is kept."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailroom.jmap.push import PushState, PushStatus
from mailroom.runtime.echo import Attention, Echo
from mailroom.screener.passes.states import StateTrail

UP = PushStatus("eventsource", PushState.CONNECTED, reconnects=3)


def attention() -> Attention:
    """After a pass that saw to everything, while push was connected."""
    made = Attention()
    made.passed(UP, complete=True)
    return made


def test_push_that_was_there_all_the_time_and_said_nothing_is_deaf() -> None:
    assert attention().is_deaf(UP)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(replace(UP, reconnects=4), id="connected anew"),
        pytest.param(replace(UP, last_event_at=datetime.now(UTC)), id="it tells just now"),
        pytest.param(replace(UP, status=PushState.WAITING), id="not connected"),
    ],
)
def test_push_that_could_not_tell_yet_is_not_deaf(now: PushStatus) -> None:
    assert not attention().is_deaf(now)


def test_push_that_was_not_connected_then_is_not_deaf() -> None:
    made = Attention()
    made.passed(replace(UP, status=PushState.CONNECTING), complete=True)
    assert not made.is_deaf(UP)


def test_what_was_left_undone_need_not_be_told_again() -> None:
    made = attention()
    made.passed(UP, complete=False)
    assert not made.is_deaf(UP)
    made = attention()
    made.failed()
    assert not made.is_deaf(UP)


def test_before_the_first_pass_nothing_can_be_said() -> None:
    assert not Attention().is_deaf(UP)


def test_a_flood_during_a_pass_takes_no_memory_and_is_news() -> None:
    echo = Echo()
    for number in range(100_000):
        echo.hear({"Email": str(number)}, at=number)
        echo.hear(None, at=number)
    assert len(echo._heard) <= 1000
    echo.passed(StateTrail(), at=1e6)
    assert echo.take_news() == 0
    assert echo.take_news() is None


def test_a_flood_of_states_that_a_pass_went_through_is_still_news() -> None:
    """What was not weighed may have been anything."""
    echo = Echo()
    for number in range(2000):
        echo.hear({"Email": str(number)}, at=number)
    echo._known = frozenset(map(str, range(1000)))
    assert echo.take_news() == 1000
