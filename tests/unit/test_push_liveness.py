"""How long a push connection may be silent."""

import pytest
from yarl import URL

from mailroom.http import UnreachableError
from mailroom.jmap.liveness import PUSH_TIMEOUTS, Liveness
from mailroom.jmap.push_backoff import PushUnavailableError

HERE = URL("https://jmap.example.com/events?types=Email")


def heard(ping: int = 30) -> Liveness:
    liveness = Liveness(ping, PUSH_TIMEOUTS)
    liveness.opened()
    liveness.heard()
    return liveness


def test_a_server_that_was_never_seen_to_ping_has_five_minutes() -> None:
    assert heard().limit == 300


def test_a_server_that_pings_has_two_and_a_half_intervals() -> None:
    liveness = heard()
    liveness.pinged('{"interval": 30}')
    assert liveness.limit == 75


def test_that_a_server_pings_is_remembered_over_connections() -> None:
    liveness = heard()
    liveness.pinged('{"interval": 30}')
    liveness.opened()
    liveness.heard()
    assert liveness.limit == 75


@pytest.mark.parametrize(
    ("asked", "announced", "limit"),
    [
        (30, '{"interval":60}', 150),
        (30, '{"interval":300}', 750),
        (30, '{"interval":5}', 75),
        (5, '{"interval":5}', 12.5),
        (5, '{"interval":30}', 75),
        (5, "", 75),
        (30, '{"interval":0}', 75),
        (30, '{"interval":-5}', 75),
        (30, '{"interval":NaN}', 75),
        (30, '{"interval":"soon"}', 75),
        (30, '{"interval":null}', 75),
        (30, "[30]", 75),
        (30, "{", 75),
        (30, "[" * 100_000, 75),
        (30, '{"interval":1' + "0" * 400 + "}", 75),
    ],
)
def test_the_interval_is_the_servers_if_larger(asked: int, announced: str, limit: float) -> None:
    liveness = heard(asked)
    liveness.pinged(announced)
    assert liveness.limit == limit


@pytest.mark.parametrize(
    ("asked", "announced", "limit"),
    [
        (30, '{"interval":30000}', 75),
        (30, '{"interval":60000}', 150),
        (30, '{"interval":1e300}', 750),
        (30, '{"interval":Infinity}', 750),
        (600, '{"interval":600}', 1500),
        (600, '{"interval":600000}', 1500),
    ],
)
def test_an_interval_beyond_reason_is_milliseconds(
    asked: int, announced: str, limit: float
) -> None:
    liveness = heard(asked)
    liveness.pinged(announced)
    assert liveness.limit == limit


@pytest.mark.parametrize(("ping", "limit"), [(30, 60), (60, 120), (5, 60)])
def test_the_first_byte_has_two_intervals(ping: int, limit: float) -> None:
    liveness = Liveness(ping, PUSH_TIMEOUTS)
    liveness.opened()
    assert liveness.limit == limit


def test_silence_after_the_first_byte_is_a_dead_connection() -> None:
    assert isinstance(heard().silence_error(HERE), UnreachableError)


def test_silence_before_the_first_byte_twice_means_poll() -> None:
    liveness = Liveness(30, PUSH_TIMEOUTS)
    liveness.opened()
    assert isinstance(liveness.silence_error(HERE), UnreachableError)
    liveness.opened()
    assert isinstance(liveness.silence_error(HERE), PushUnavailableError)


def test_a_byte_in_between_clears_the_suspicion() -> None:
    liveness = Liveness(30, PUSH_TIMEOUTS)
    liveness.opened()
    liveness.silence_error(HERE)
    liveness.opened()
    liveness.heard()
    assert isinstance(liveness.silence_error(HERE), UnreachableError)
    liveness.opened()
    assert isinstance(liveness.silence_error(HERE), UnreachableError)


def test_what_is_said_of_the_silence_shows_no_query() -> None:
    assert str(heard().silence_error(HERE)) == (
        "https://jmap.example.com/events: no answer (silent for 300 s)"
    )
