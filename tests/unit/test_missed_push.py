from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailroom.jmap.push import PushState, PushStatus
from mailroom.runtime.missed_push import MissedPushDetector

UP = PushStatus("eventsource", PushState.CONNECTED, reconnects=3)


def detector() -> MissedPushDetector:
    """After a pass that saw to everything, while push was connected."""
    made = MissedPushDetector()
    made.pass_succeeded(UP, complete=True)
    return made


def test_push_that_was_there_all_the_time_and_said_nothing_is_deaf() -> None:
    assert detector().has_missed(UP)


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(replace(UP, reconnects=4), id="connected anew"),
        pytest.param(replace(UP, last_event_at=datetime.now(UTC)), id="it tells just now"),
        pytest.param(replace(UP, status=PushState.WAITING), id="not connected"),
    ],
)
def test_push_that_could_not_tell_yet_is_not_deaf(now: PushStatus) -> None:
    assert not detector().has_missed(now)


def test_push_that_was_not_connected_then_is_not_deaf() -> None:
    made = MissedPushDetector()
    made.pass_succeeded(replace(UP, status=PushState.CONNECTING), complete=True)
    assert not made.has_missed(UP)


def test_what_was_left_undone_need_not_be_told_again() -> None:
    made = detector()
    made.pass_succeeded(UP, complete=False)
    assert not made.has_missed(UP)
    made = detector()
    made.pass_failed()
    assert not made.has_missed(UP)


def test_before_the_first_pass_nothing_can_be_said() -> None:
    assert not MissedPushDetector().has_missed(UP)
