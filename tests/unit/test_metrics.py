"""What is counted of passes, and how Prometheus reads it."""

import math
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse
from structlog.testing import capture_logs
from yarl import URL

from mailroom import __version__
from mailroom.contacts.model import AddressBookError
from mailroom.health import Overview, serve
from mailroom.http import (
    BrokenAnswerError,
    CredentialsRefusedError,
    ServerFailureError,
    UnreachableError,
)
from mailroom.jmap.errors import MethodError
from mailroom.jmap.mailboxes import Mailbox
from mailroom.jmap.push import PushState, PushStatus
from mailroom.metrics import DEFINITIONS, AccountMetrics, Metrics, PassEnded
from mailroom.screener.arrivals.executor import ArrivalsReport
from mailroom.screener.arrivals.verdict import Rule, Verdict
from mailroom.screener.model.missing import MissingError, UnsuitableError
from mailroom.screener.model.places import Directory
from mailroom.screener.passes.gather import GatheredMail
from mailroom.screener.passes.plan import Filing, Plan
from mailroom.screener.passes.progress import Report
from mailroom.screener.passes.states import StateTrail
from mailroom.screener.triage.contacts import Contact
from mailroom.screener.triage.decide import Decision
from mailroom.waiting.trigger import Due, Reason
from tests.support.domain.builders import PLACES, category, decisions, mail, tapped
from tests.support.domain.contents import NOTHING

SERVER = URL("https://mail.example.com/jmap?secret=1")
TIME = 1_771_977_600.0
PUSHED = Due(Reason.PUSH, 100.0, is_announced=True)
RETRIED = Due(Reason.RETRY, 130.0)


class Push:
    now = PushStatus("websocket")

    def __call__(self) -> PushStatus:
        return self.now


@pytest.fixture
def push() -> Push:
    return Push()


class Counted(AccountMetrics):
    """An account's metrics, and those of the process that they are among."""

    def __init__(self, families: Metrics, push: Push, account: str = "") -> None:
        super().__init__(
            families, account=account, categories=["Feed", "Paper Trail"], now=lambda: TIME
        )
        self.service_started(push)
        self.families = families

    def exposition(self) -> bytes:
        return self.families.exposition()


@pytest.fixture
def metrics(push: Push) -> Counted:
    return Counted(Metrics(), push)


def samples(metrics: Counted) -> dict[str, float]:
    """``name{label="value"}`` -> value, as PromQL writes it: an empty label is none."""
    found = {}
    for family in parse(metrics.exposition().decode()):
        for each in family.samples:
            given = sorted((key, value) for key, value in each.labels.items() if value)
            labels = ",".join(f'{key}="{value}"' for key, value in given)
            found[f"{each.name}{{{labels}}}" if labels else each.name] = each.value
    return found


def moved(metrics: Counted, *ended: PassEnded) -> dict[str, float]:
    """What counts of these passes, histograms' buckets left out."""
    before = samples(metrics)
    for each in ended:
        metrics.pass_ended(each)
    after = samples(metrics)
    return {
        name: after[name] - before[name]
        for name in after
        if re.search(r"_(total|sum|count)\b", name)
        and name.startswith("mailroom_")
        and after[name] != before[name]
    }


def filing(decision_id: str, name: str, *swept: str) -> Filing:
    email = mail("Screener", "@ToFeed", email_id=f"{decision_id} tapped")
    contact = Contact(frozenset({"bob@corp.example"}), (), (tapped(email),))
    decision = Decision(decision_id, contact, category(name), (), frozenset())
    return Filing(decision, {each: {} for each in swept}, {email.id: {}})


def verdict(email_id: str) -> Verdict:
    return Verdict(mail("Inbox", email_id=email_id), "bob@corp.example", Rule.UNKNOWN, patch={})


def report(
    *filings: Filing,
    failures: Iterable[str] = (),
    labels_failed: Iterable[str] = (),
    new: Iterable[str] = (),
    new_failed: Iterable[str] = (),
    waiting: int | None = None,
) -> Report:
    """Of a pass that took this much out of everything that there was."""
    directory = Directory([Mailbox(PLACES.screener, "Screener", None, "", waiting)])
    marked = GatheredMail((), None, directory, PLACES, (), has_waived=False, state="1")
    why = "bob@corp.example: overQuota"
    return Report(
        plan=Plan(filings, (), (), (), {}, marked, decisions(), NOTHING.snapshot),
        failures=dict.fromkeys(failures, why),
        label_failures=dict.fromkeys(labels_failed, why),
        late={},
        arrived=ArrivalsReport([verdict(each) for each in new], dict.fromkeys(new_failed, why)),
        trail=StateTrail("1"),
    )


def ended(result: Report | Exception, due: Due = PUSHED, *, at: float = 100.75) -> PassEnded:
    return PassEnded(due, started=at - 0.5, ended=at, result=result)


def test_every_metric_is_there_from_the_start_as_it_is_defined(metrics: Counted) -> None:
    families = {each.name: each for each in parse(metrics.exposition().decode())}
    ours = {name for name in families if name.startswith("mailroom_")}
    assert ours == {each.name.removesuffix("_total") for each in DEFINITIONS}
    for each in DEFINITIONS:
        family = families[each.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (each.type, each.help)
        assert {frozenset(one.labels) - {"le"} for one in family.samples} == {
            frozenset(each.labels)
        }


def test_names_are_as_prometheus_wants_them() -> None:
    for each in DEFINITIONS:
        assert re.fullmatch(r"mailroom(_[a-z]+)+", each.name)
        assert each.name.endswith("_total") is (each.type == "counter")
        assert each.name.endswith("_seconds") or each.type != "histogram"


def test_every_kind_of_failure_is_explained(metrics: Counted) -> None:
    (help_,) = [each.help for each in DEFINITIONS if each.name == "mailroom_failures_total"]
    kinds = set(re.findall(r'mailroom_failures_total\{kind="(\w+)"\}', "\n".join(samples(metrics))))
    assert kinds == set(re.findall(r"`(\w+)`", help_))


def test_a_pass_that_did_everything(metrics: Counted) -> None:
    done = report(filing("1", "Feed", "a", "b"), filing("2", "Screener"), new=["n1", "n2"])
    assert moved(metrics, ended(done)) == {
        'mailroom_passes_total{outcome="done",trigger="push"}': 1,
        "mailroom_pass_seconds_count": 1,
        "mailroom_pass_seconds_sum": 0.5,
        'mailroom_decisions_total{category="Feed"}': 1,
        'mailroom_decisions_total{category="Screener"}': 1,
        'mailroom_mails_filed_total{by="triage"}': 4,
        'mailroom_mails_filed_total{by="new_mail"}': 2,
        "mailroom_label_to_done_seconds_count": 2,
        "mailroom_label_to_done_seconds_sum": 1.5,
        "mailroom_arrival_to_filed_seconds_count": 2,
        "mailroom_arrival_to_filed_seconds_sum": 1.5,
    }
    assert samples(metrics)["mailroom_last_good_pass_timestamp_seconds"] == TIME


def test_a_pass_that_nobody_told_of_has_no_latency(metrics: Counted) -> None:
    found = report(filing("1", "Feed"), new=["n"])
    counted = moved(metrics, ended(found, Due(Reason.POLL, 100.0)))
    assert counted['mailroom_passes_total{outcome="done",trigger="poll"}'] == 1
    assert counted['mailroom_decisions_total{category="Feed"}'] == 1
    assert not [name for name in counted if "_to_" in name]


def test_what_a_pass_left_over_is_a_failure_and_goes_on_waiting(metrics: Counted) -> None:
    both = filing("1", "Feed"), filing("2", "Paper Trail")
    left = report(*both, failures=["2"], labels_failed=["m"], new_failed=["n1", "n2"])
    counted = moved(metrics, ended(left))
    assert counted['mailroom_passes_total{outcome="incomplete",trigger="push"}'] == 1
    assert counted['mailroom_failures_total{kind="decision"}'] == 1
    assert counted['mailroom_failures_total{kind="label"}'] == 1
    assert counted['mailroom_failures_total{kind="new_mail"}'] == 2
    assert 'mailroom_decisions_total{category="Paper Trail"}' not in counted
    assert counted["mailroom_label_to_done_seconds_sum"] == 0.75

    again = report(filing("2", "Paper Trail"), new=["n1", "n2"])
    counted = moved(metrics, ended(again, RETRIED, at=131.0))
    assert counted["mailroom_label_to_done_seconds_sum"] == 31.0
    assert counted["mailroom_arrival_to_filed_seconds_sum"] == 62.0


FAILURES: dict[str, Exception] = {
    "unreachable": UnreachableError(SERVER, "refused", sent=False),
    "server": ServerFailureError(SERVER, 503),
    "credentials": CredentialsRefusedError(SERVER, 401),
    "answer": BrokenAnswerError(SERVER, "no JSON"),
    "jmap": MethodError("Email/get", "serverFail"),
    "contacts": AddressBookError("none"),
    "missing": MissingError(mailboxes=["Feed"]),
    "unsuitable": UnsuitableError({"Feed": "trash"}),
    "mistake": ZeroDivisionError(),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_pass_that_failed(metrics: Counted, kind: str) -> None:
    assert moved(metrics, ended(FAILURES[kind])) == {
        'mailroom_passes_total{outcome="failed",trigger="push"}': 1,
        "mailroom_pass_seconds_count": 1,
        "mailroom_pass_seconds_sum": 0.5,
        f'mailroom_failures_total{{kind="{kind}"}}': 1,
    }
    assert samples(metrics)["mailroom_last_good_pass_timestamp_seconds"] == 0


def test_after_a_pass_that_failed_latency_is_measured_from_the_first_event(
    metrics: Counted,
) -> None:
    done = ended(report(filing("1", "Feed")), RETRIED, at=140.0)
    counted = moved(metrics, ended(FAILURES["server"]), done)
    assert counted["mailroom_label_to_done_seconds_sum"] == 40.0


def test_buckets_tell_whether_it_took_a_second(metrics: Counted) -> None:
    for seconds in (0.25, 0.9, 4.0):
        metrics.pass_ended(ended(report(filing("1", "Feed")), at=100.0 + seconds))
    found = samples(metrics)
    bucket = 'mailroom_label_to_done_seconds_bucket{le="%s"}'
    assert [found[bucket % le] for le in ("0.2", "0.3", "1.0", "5.0", "+Inf")] == [0, 1, 2, 3, 3]


def test_mails_in_the_screener_are_unknown_until_the_server_tells(metrics: Counted) -> None:
    assert math.isnan(samples(metrics)["mailroom_screener_mails"])
    metrics.pass_ended(ended(report(waiting=17)))
    assert samples(metrics)["mailroom_screener_mails"] == 17
    metrics.pass_ended(ended(report(waiting=None)))
    assert math.isnan(samples(metrics)["mailroom_screener_mails"])


@pytest.mark.parametrize("state", PushState)
def test_push_is_connected_or_not(metrics: Counted, push: Push, state: PushState) -> None:
    push.now = PushStatus("eventsource", state, reconnects=3, last_error="bob@corp.example")
    found = samples(metrics)
    assert found['mailroom_push_connected{transport="eventsource"}'] == (state == "connected")
    assert found["mailroom_push_reconnects_total"] == 3
    assert 'mailroom_push_connected{transport="websocket"}' not in found


def test_the_version_is_reported(metrics: Counted) -> None:
    (build,) = [name for name in samples(metrics) if name.startswith("mailroom_build_info")]
    assert f'version="{__version__}"' in build


def test_what_cannot_be_counted_is_logged_and_stops_nothing(metrics: Counted) -> None:
    broken: Any = object()
    with capture_logs() as logged:
        metrics.pass_ended(PassEnded(broken, started=0.0, ended=0.0, result=report()))
    (line,) = logged
    assert line["event"] == "a mistake in Mailroom itself: a pass was not counted"
    assert line["exc_info"]


def test_nothing_about_mail_or_people_is_reported(metrics: Counted, push: Push) -> None:
    push.now = PushStatus("websocket", last_error="bob@corp.example")
    metrics.pass_ended(ended(report(filing("1", "Feed"), failures=["1"], new=["n"])))
    for each in FAILURES.values():
        metrics.pass_ended(ended(each))
    text = metrics.exposition().decode()
    assert not re.search(r"@corp|@To|example|secret|overQuota|tapped", text)


def test_each_account_has_series_of_its_own(push: Push) -> None:
    families = Metrics()
    anna, ben = Counted(families, push, "anna"), Counted(families, push, "ben")
    push.now = PushStatus("websocket", PushState.CONNECTED)
    anna.pass_ended(ended(report(filing("1", "Feed"))))
    found = samples(ben)
    for account, count in (("anna", 1), ("ben", 0)):
        assert found[f'mailroom_pass_seconds_count{{account="{account}"}}'] == count
        assert found[f'mailroom_decisions_total{{account="{account}",category="Feed"}}'] == count
        assert found[f'mailroom_push_connected{{account="{account}",transport="websocket"}}'] == 1
    ours = [name for name in found if name.startswith("mailroom_") and "build_info" not in name]
    assert [name for name in ours if "account=" not in name] == []


def test_an_account_that_was_given_up_has_no_push(metrics: Counted, push: Push) -> None:
    push.now = PushStatus("websocket", PushState.CONNECTED)
    metrics.service_gave_up()
    assert samples(metrics)['mailroom_push_connected{transport="off"}'] == 0


@pytest.fixture
async def client(metrics: Counted) -> AsyncIterator[aiohttp.ClientSession]:
    pages = {"/metrics": metrics.families.page}
    async with (
        serve(Overview({}), host="127.0.0.1", port=0, pages=pages) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


@pytest.mark.parametrize(
    "accept", ["*/*", "application/openmetrics-text;version=1.0.0,text/plain;q=0.3", "nonsense"]
)
async def test_the_page_is_prometheus_text_whatever_is_asked_for(
    client: aiohttp.ClientSession, accept: str
) -> None:
    async with client.get("/metrics", headers={"Accept": accept}) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        names = {family.name for family in parse(await answer.text())}
    assert {each.name.removesuffix("_total") for each in DEFINITIONS} <= names


async def test_other_pages_are_where_they_were(client: aiohttp.ClientSession) -> None:
    async with client.get("/livez") as answer:
        assert answer.status == 200
