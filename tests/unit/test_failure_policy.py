"""Which failures are waited out and which end the service: the table of "Failing"."""

from itertools import pairwise

import pytest
from yarl import URL

from mailroom.contacts.model import AddressBookError, NoAddressBookError, ReadOnlyAddressBookError
from mailroom.exits import Exit
from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    InsecureUrlError,
    RedirectError,
    ServerFailureError,
    UnexpectedStatusError,
    UnreachableError,
)
from mailroom.jmap.errors import MethodError, RequestError, SessionError
from mailroom.report.failures import EXPECTED, exit_code
from mailroom.runtime.failure_policy import FailurePolicy, GiveUp, TryAgain
from mailroom.screener.model.missing import MissingError, NoRightToWriteError

URL_ = URL("https://mail.example/jmap")
LIMIT = 10

REFUSED_401 = CredentialsRefusedError(URL_, 401)
REFUSED = [
    pytest.param(REFUSED_401, id="401"),
    pytest.param(MethodError("Email/set", "accountReadOnly"), id="account may only be read"),
    pytest.param(NoRightToWriteError(["account a: isReadOnly"]), id="token may only read"),
    pytest.param(ReadOnlyAddressBookError("none"), id="address book may only be read"),
]
PASSING = [
    pytest.param(UnreachableError(URL_, "refused", sent=False), id="unreachable"),
    pytest.param(UnreachableError(URL_, "timed out", sent=True), id="time-out"),
    pytest.param(ServerFailureError(URL_, 503), id="503"),
    pytest.param(ServerFailureError(URL_, 429), id="429"),
    pytest.param(BrokenAnswerError(URL_, "no JSON"), id="broken answer"),
    pytest.param(UnexpectedStatusError(URL_, 404), id="404"),
    pytest.param(RequestError("limit", "maxCallsInRequest"), id="request refused"),
    pytest.param(MethodError("Email/query", "serverFail"), id="method refused"),
    pytest.param(ZeroDivisionError("a mistake of ours"), id="our own mistake"),
]
FINAL = [
    pytest.param(MissingError(mailboxes=["Feed"]), Exit.INCOMPLETE, id="mailbox missing"),
    pytest.param(MissingError(groups=["Feed"]), Exit.INCOMPLETE, id="group missing"),
    pytest.param(InsecureUrlError(URL_), Exit.CONFIGURATION, id="http"),
    pytest.param(
        RedirectError(URL_, URL("https://other.example")), Exit.CONFIGURATION, id="elsewhere"
    ),
    pytest.param(SessionError("no such account"), Exit.CONFIGURATION, id="no such account"),
    pytest.param(AddressBookError("none"), Exit.CONFIGURATION, id="no address book"),
    pytest.param(NoAddressBookError("none"), Exit.CONFIGURATION, id="no place for one either"),
    pytest.param(
        NoAddressBookError("not yet", (URL_,)), Exit.INCOMPLETE, id="setup can make the first one"
    ),
]


def policy(*, was_up: bool) -> FailurePolicy:
    made = FailurePolicy(limit=LIMIT)
    if was_up:
        assert made.succeeded(complete=True) is None
    return made


def follows(made: FailurePolicy, error: BaseException, times: int) -> list[TryAgain | GiveUp]:
    """What follows from each of so many failures, a minute apart."""
    return [made.failed(error, now=60.0 * at) for at in range(times)]


def test_the_exit_codes_are_those_that_are_documented() -> None:
    codes = [Exit.OK, Exit.FAILED, Exit.CONFIGURATION, Exit.CREDENTIALS, Exit.INCOMPLETE]

    assert [int(code) for code in codes] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("error", REFUSED)
def test_refused_credentials_have_their_exit_code(error: Exception) -> None:
    assert exit_code(error) is Exit.CREDENTIALS


@pytest.mark.parametrize("error", PASSING)
def test_what_may_pass_has_the_exit_code_of_a_failure(error: Exception) -> None:
    assert exit_code(error) is Exit.FAILED


@pytest.mark.parametrize(("error", "code"), FINAL)
def test_what_only_a_person_can_mend_has_its_exit_code(error: Exception, code: Exit) -> None:
    assert exit_code(error) is code
    assert isinstance(error, EXPECTED)


# Servers that do not answer


@pytest.mark.parametrize("error", PASSING)
def test_at_start_a_server_is_waited_for_for_ever(error: Exception) -> None:
    verdicts = follows(policy(was_up=False), error, 1000)

    assert all(isinstance(each, TryAgain) for each in verdicts)


@pytest.mark.parametrize("error", PASSING)
def test_later_so_many_failed_passes_in_a_row_end_the_service(error: Exception) -> None:
    *before, last = follows(policy(was_up=True), error, LIMIT)

    assert all(isinstance(each, TryAgain) for each in before)
    assert last == GiveUp(Exit.FAILED)


def test_a_pass_that_succeeds_starts_the_count_again() -> None:
    made = policy(was_up=True)
    error = ServerFailureError(URL_, 503)
    for _ in range(5):
        assert all(isinstance(each, TryAgain) for each in follows(made, error, LIMIT - 1))
        made.succeeded(complete=True)
    assert follows(made, error, LIMIT)[-1] == GiveUp(Exit.FAILED)


def test_one_failure_is_enough_if_the_limit_says_so() -> None:
    made = FailurePolicy(limit=1)
    made.succeeded(complete=True)

    assert made.failed(ServerFailureError(URL_, 503), now=0) == GiveUp(Exit.FAILED)


def rounds_of_waits(times: int) -> list[list[float]]:
    """The waits after so many failures in a row, again and again."""
    return [
        [verdict.seconds for verdict in verdicts if isinstance(verdict, TryAgain)]
        for verdicts in (
            follows(policy(was_up=False), ServerFailureError(URL_, 503), times) for _ in range(200)
        )
    ]


def test_the_waits_grow_and_have_an_end() -> None:
    """Half of each wait is chance; the shortest and longest of many tell its bounds."""
    each = list(zip(*rounds_of_waits(12), strict=True))

    assert 1.0 <= min(each[0]) < max(each[0]) <= 2.0
    assert 2.0 <= min(each[1]) < max(each[1]) <= 4.0
    assert 30.0 <= min(each[-1]) < max(each[-1]) <= 60.0


def test_a_restart_of_the_server_is_waited_for() -> None:
    """A server that refuses at once must not use up the limit in a few seconds."""
    until_the_end = [sum(waits) for waits in rounds_of_waits(LIMIT - 1)]

    assert min(until_the_end) > 150
    assert sum(until_the_end) / len(until_the_end) > 180


@pytest.mark.parametrize("error", PASSING)
def test_passes_that_news_hurries_do_not_use_up_the_policy(error: Exception) -> None:
    """Push may well tell of new mail while everything else fails: each time a pass is tried."""
    made = policy(was_up=True)
    at_once = [made.failed(error, now=at / 10) for at in range(600)]

    assert all(isinstance(each, TryAgain) for each in at_once)
    assert made.failed(error, now=1e6) != GiveUp(Exit.FAILED)


def test_passes_that_news_hurries_do_not_stop_the_count() -> None:
    made = policy(was_up=True)
    now = 0.0
    while made.failed(ServerFailureError(URL_, 503), now=now) != GiveUp(Exit.FAILED):
        now += 1.0

    assert 150 < now <= 170


@pytest.mark.parametrize("was_up", [False, True], ids=["at start", "later"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_whatever_happens_meanwhile(status: int, *, was_up: bool) -> None:
    verdict = policy(was_up=was_up).failed(ServerFailureError(URL_, status, 120.0), now=0)

    assert isinstance(verdict, TryAgain)
    assert verdict.seconds >= 120.0
    assert verdict.not_before == 120.0


@pytest.mark.parametrize("was_up", [False, True], ids=["at start", "later"])
@pytest.mark.parametrize("error", PASSING)
def test_without_retry_after_a_change_may_come_sooner(error: Exception, *, was_up: bool) -> None:
    verdict = policy(was_up=was_up).failed(error, now=0)

    assert isinstance(verdict, TryAgain)
    assert verdict.not_before == 0.0


# Credentials


def refused_at(made: FailurePolicy, error: Exception, until: float) -> list[float]:
    """When credentials are tried that are refused each time, from 0 until a time."""
    now, times = 0.0, []
    while now <= until:
        times.append(now)
        assert made.failed(error, now=now) == GiveUp(Exit.CREDENTIALS)
        made.note_refused_requests(1, now=now)
        now += made.pause_when_refused(now=now)
    return times


@pytest.mark.parametrize("was_up", [False, True], ids=["at start", "later"])
@pytest.mark.parametrize("error", REFUSED)
def test_refused_credentials_close_the_account_at_once(error: Exception, *, was_up: bool) -> None:
    assert policy(was_up=was_up).failed(error, now=0) == GiveUp(Exit.CREDENTIALS)


@pytest.mark.parametrize("was_up", [False, True], ids=["at start", "later"])
def test_the_pauses_are_1_5_15_and_then_60_minutes_and_never_less(*, was_up: bool) -> None:
    for _ in range(200):
        times = refused_at(policy(was_up=was_up), REFUSED_401, 6 * 3600.0)
        pauses = [later - earlier for earlier, later in pairwise(times)]
        for pause, least in zip(pauses, [60, 300, 900, *[3600] * 9], strict=False):
            assert least < pause <= 1.2 * least


def test_at_most_three_tries_in_ten_minutes_and_26_a_day() -> None:
    for _ in range(200):
        assert len(refused_at(policy(was_up=True), REFUSED_401, 600)) == 3
        assert len(refused_at(policy(was_up=True), REFUSED_401, 86400)) <= 26


@pytest.mark.parametrize("at_once", [2, 3])
def test_requests_that_are_refused_at_once_lengthen_a_later_pause(at_once: int) -> None:
    made = policy(was_up=True)
    now, times = 0.0, []
    for requests in [at_once, 1, 1, 1]:
        made.failed(REFUSED_401, now=now)
        made.note_refused_requests(requests, now=now)
        times += [now] * requests
        now += made.pause_when_refused(now=now)
    assert all(later - earlier > 600 for earlier, later in zip(times, times[3:], strict=False))


def test_a_pass_that_succeeds_forgives_refusals() -> None:
    made = policy(was_up=True)
    refused_at(made, REFUSED_401, 86400)
    made.succeeded(complete=True)
    made.failed(REFUSED_401, now=1e6)
    assert 60 < made.pause_when_refused(now=1e6) <= 72


def test_refusals_do_not_use_up_the_limit_with_a_server_that_is_down() -> None:
    made = policy(was_up=True)
    refused_at(made, REFUSED_401, 86400)
    verdicts = [made.failed(ServerFailureError(URL_, 503), now=1e6 + 60 * at) for at in range(10)]
    assert [isinstance(each, TryAgain) for each in verdicts] == [True] * 9 + [False]


# What only a person can mend


@pytest.mark.parametrize(("error", "code"), FINAL)
def test_at_start_it_ends_the_service_at_once(error: Exception, code: Exit) -> None:
    assert policy(was_up=False).failed(error, now=0) == GiveUp(code)


@pytest.mark.parametrize(("error", "code"), FINAL)
def test_later_there_is_time_to_mend_it(error: Exception, code: Exit) -> None:
    """A mailbox that is renamed back is found again without a restart."""
    *before, last = follows(policy(was_up=True), error, LIMIT)

    assert all(isinstance(each, TryAgain) for each in before)
    assert last == GiveUp(code)


# Passes that got only a part done


def test_a_complete_pass_needs_no_other() -> None:
    assert policy(was_up=False).succeeded(complete=True) is None


def unfinished(made: FailurePolicy, times: int) -> list[float]:
    """The waits after so many passes that got only a part done."""
    verdicts = [made.succeeded(complete=False) for _ in range(times)]
    assert all(each is not None and each.not_before == 0.0 for each in verdicts)
    return [each.seconds for each in verdicts if each is not None]


def test_what_is_left_of_a_pass_is_tried_again_for_ever_in_growing_intervals() -> None:
    rounds = [unfinished(policy(was_up=False), 12) for _ in range(200)]
    longest = [max(waits) for waits in zip(*rounds, strict=True)]

    assert longest[0] <= 1.0
    assert longest[1] <= 2.0
    assert 30.0 < longest[-1] <= 60.0


def test_a_complete_pass_lets_the_next_rest_be_tried_soon() -> None:
    made = policy(was_up=False)
    waits = []
    for _ in range(100):
        unfinished(made, 5)
        made.succeeded(complete=True)
        waits += unfinished(made, 1)
        made.succeeded(complete=True)

    assert 0.5 < max(waits) <= 1.0


def test_a_pass_that_got_a_part_done_is_no_failed_pass() -> None:
    made = policy(was_up=True)
    for _ in range(3 * LIMIT):
        assert isinstance(made.failed(ServerFailureError(URL_, 503), now=0), TryAgain)
        made.succeeded(complete=False)
