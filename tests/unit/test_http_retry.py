"""What is sent again, and after how long."""

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import AsyncRetrying, Future, RetryCallState
from yarl import URL

from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    HttpError,
    InsecureUrlError,
    RedirectError,
    ServerFailureError,
    UnexpectedStatusError,
    UnreachableError,
)
from mailroom.http.retry import is_worth_repeating, parse_retry_after, pause

URL_ = URL("https://mail.example.com/jmap/")
NOW = datetime(2026, 2, 25, 12, 0, 0, tzinfo=UTC)
DAY = 86_400.0


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError(URL_, "connection refused", sent=False),
        ServerFailureError(URL_, 429),
        ServerFailureError(URL_, 429, 0.0),
        ServerFailureError(URL_, 503),
        ServerFailureError(URL_, 503, 75.0),
        ServerFailureError(URL_, 425),
        ServerFailureError(URL_, 423),
        ServerFailureError(URL_, 400, None, "maxConcurrentRequests"),
    ],
    ids=str,
)
def test_what_was_not_acted_on_is_always_sent_again(error: HttpError) -> None:
    assert is_worth_repeating(error, repeatable=True)
    assert is_worth_repeating(error, repeatable=False)


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError(URL_, "timed out", sent=True),
        ServerFailureError(URL_, 408),
        ServerFailureError(URL_, 500),
        ServerFailureError(URL_, 500, 2.0),
        ServerFailureError(URL_, 502),
        ServerFailureError(URL_, 504),
        BrokenAnswerError(URL_, "no JSON"),
    ],
    ids=str,
)
def test_what_may_have_been_done_is_sent_again_only_if_that_is_safe(error: HttpError) -> None:
    assert is_worth_repeating(error, repeatable=True)
    assert not is_worth_repeating(error, repeatable=False)


@pytest.mark.parametrize(
    "error",
    [
        ServerFailureError(URL_, 429, 75.5),
        ServerFailureError(URL_, 503, 3600.0),
        ServerFailureError(URL_, 500, 76.0),
        CredentialsRefusedError(URL_, 401),
        CredentialsRefusedError(URL_, 403),
        UnexpectedStatusError(URL_, 404),
        UnexpectedStatusError(URL_, 501),
        UnexpectedStatusError(URL_, 507),
        RedirectError(URL_, URL("https://other.example/")),
        InsecureUrlError(URL_),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
        SystemExit(),
        TimeoutError(),
        ValueError(),
    ],
    ids=repr,
)
def test_what_trying_again_does_not_mend_is_never_sent_again(error: BaseException) -> None:
    assert not is_worth_repeating(error, repeatable=True)
    assert not is_worth_repeating(error, repeatable=False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("007", 7.0),
        ("Wed, 25 Feb 2026 12:00:30 GMT", 30.0),
        ("Wednesday, 25-Feb-26 12:00:30 GMT", 30.0),  # RFC 850
        ("Wed Feb 25 12:00:30 2026", 30.0),  # asctime
        ("Wed, 25 Feb 2026 13:00:30 +0100", 30.0),
        ("Wed, 25 Feb 2026 11:59:00 GMT", 0.0),  # past
        ("99999999999", DAY),
        ("9" * 5000, DAY),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float) -> None:
    assert parse_retry_after(value, now=NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "soon",
        "-5",
        "1.5",
        "1e3",
        "\u0667",
        "\u00b2",
        "12 s",
        "Wed, 99 Feb 2026 12:00:30 GMT",
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2020 00:00:00 +99999999",
    ],
)
def test_a_retry_after_that_says_nothing_is_passed_over(value: str | None) -> None:
    assert parse_retry_after(value, now=NOW) is None


@given(st.one_of(st.text(), st.from_regex(r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ .*")))
def test_no_retry_after_makes_it_stumble(value: str) -> None:
    seconds = parse_retry_after(value, now=NOW)
    assert seconds is None or 0.0 <= seconds <= DAY


def state_after(error: BaseException, *, attempt: int) -> RetryCallState:
    state = RetryCallState(AsyncRetrying(), None, (), {})
    state.attempt_number = attempt
    state.outcome = Future(attempt)
    state.outcome.set_exception(error)
    return state


@pytest.mark.parametrize("attempt", [1, 2, 3])
@pytest.mark.parametrize("asked", [0.0, 7.0, 30.0])
def test_the_pause_is_never_shorter_than_the_server_asked_for(attempt: int, asked: float) -> None:
    pauses = {
        pause(state_after(ServerFailureError(URL_, 503, asked), attempt=attempt)) for _ in range(50)
    }
    assert min(pauses) >= asked
    assert max(pauses) <= asked + 0.25 * 2 ** (attempt - 1)
    assert len(pauses) > 1, "everybody would come back at once"


@pytest.mark.parametrize(
    "error", [UnreachableError(URL_, "timed out", sent=True), ServerFailureError(URL_, 500, None)]
)
def test_without_such_a_wish_the_pause_is_jitter_alone(error: HttpError) -> None:
    assert 0.0 <= pause(state_after(error, attempt=1)) <= 0.25


def test_an_exceeded_rate_is_waited_out_for_a_second_at_least() -> None:
    assert 1.0 <= pause(state_after(ServerFailureError(URL_, 429), attempt=1)) <= 1.25


def test_a_host_that_is_busy_for_moments_is_asked_again_soon() -> None:
    busy = ServerFailureError(URL_, 400, None, "maxConcurrentRequests")
    assert pause(state_after(busy, attempt=1)) <= 0.25
