"""Every limit of waiting and trying is in docs/resilience.md, and limits that must agree do."""

import dataclasses
import re
from pathlib import Path

import yaml

from mailroom.admin import local_service, probe, sign_of_life
from mailroom.health import account_health
from mailroom.http import client, listening, not_now, retry, streams
from mailroom.jmap import liveness, push_backoff, websocket_opening
from mailroom.jmap.liveness import PUSH_TIMEOUTS
from mailroom.runtime import push_listener
from tests.support.limits import LIMITS, OTHERS, ROOT, SETTINGS, constants

ROWS = [limit.name for limits in LIMITS.values() for limit in limits]
POLL = SETTINGS["MAILROOM_POLL_INTERVAL"]


def test_every_limit_of_the_code_is_in_the_table() -> None:
    named = {re.match(r"\S+ \w+|\w+", name)[0] for name in ROWS}  # type: ignore[index]  # matches
    assert set(constants()) - OTHERS - named == set()
    fields = {
        f"jmap/liveness.py PUSH_TIMEOUTS.{field.name}"
        for field in dataclasses.fields(PUSH_TIMEOUTS)
    }
    assert fields <= set(ROWS)


def test_every_row_is_of_the_code_and_stands_once() -> None:
    assert len(ROWS) == len(set(ROWS))
    assert all(limit.value for limits in LIMITS.values() for limit in limits)
    assert set(constants()) >= OTHERS


def seconds(path: Path, pattern: str) -> list[float]:
    return [float(number) for number in re.findall(pattern, path.read_text(encoding="utf-8"))]


def test_the_process_stops_within_the_time_that_its_supervisors_allow() -> None:
    stopping = client.CLOSING_GRACE + websocket_opening._CLOSING + 2 * listening._SHUTDOWN
    assert stopping <= 5  # docs/deployment.md promises this
    pod = yaml.safe_load((ROOT / "k8s/base/deployment.yaml").read_text(encoding="utf-8"))
    allowed = [
        float(pod["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]),
        *seconds(ROOT / "scripts/deploy/compose.yaml", r"stop_grace_period: (\d+)s"),
        *seconds(ROOT / "scripts/deploy/mailroom.service", r"TimeoutStopSec=(\d+)"),
    ]
    assert len(allowed) == 3
    assert min(allowed) >= 2 * stopping


def test_a_request_with_all_its_attempts_is_not_taken_for_a_stuck_pass() -> None:
    pauses = (retry.ATTEMPTS - 1) * (retry.LONGEST_PAUSE + retry.LONGEST_ASKED_PAUSE)
    attempts = retry.ATTEMPTS * client.TIMEOUT + pauses
    assert max(attempts, not_now._BUSY + client.TIMEOUT) < account_health._STUCK_AFTER


def test_a_server_that_a_stream_blocks_is_noticed_before_a_request_times_out() -> None:
    assert streams.ANSWER_TIMEOUT < client.TIMEOUT
    assert streams._LONGEST_SUSPICION >= 2 * client.TIMEOUT


def test_a_dead_push_connection_is_noticed_no_later_than_the_poll_would() -> None:
    assert PUSH_TIMEOUTS.pinged * SETTINGS["MAILROOM_PUSH_PING"] < POLL
    assert PUSH_TIMEOUTS.unpinged <= POLL
    assert push_listener._FAST_POLL < POLL


def test_push_that_lives_as_long_as_the_longest_pause_is_healthy() -> None:
    assert push_backoff.HEALTHY_LIFE >= push_backoff._LONGEST_PAUSE


def test_an_alert_comes_after_the_health_check() -> None:
    rule = ROOT / "k8s/components/monitoring/prometheus-rule.yaml"
    (alert,) = seconds(rule, r"last_good_pass_timestamp_seconds > (\d+)")
    assert alert >= account_health._MISSED_POLLS * POLL


def test_the_probe_ends_before_its_supervisor_ends_it() -> None:
    (timeout,) = seconds(ROOT / "Dockerfile", r"HEALTHCHECK .*--timeout=(\d+)s")
    assert local_service._TIMEOUT < probe._TIMEOUT < timeout
    assert sign_of_life._BYTE_TIMEOUT > liveness._SHORTEST_INTERVAL
