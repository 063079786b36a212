"""What the running service counts: the service in this process, a mail account in memory."""

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from tests.support.owner.person import Owner, message, until
from tests.support.proxy.proxy import Proxy
from tests.support.service.forked import running
from tests.support.service.in_process import InProcess
from tests.support.service.process import environment
from tests.support.variants.worlds import OnSandbox, Variant

WORLD = Variant("sandbox", "jmap", "eventsource")


@pytest.fixture
def world(tmp_path: Path) -> OnSandbox:
    return OnSandbox(WORLD, tmp_path)


def value(service: InProcess, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels."""
    return sum(
        sample.value
        for family in parse(service.metrics())
        for sample in family.samples
        if sample.name == name and sample.labels.items() >= labels.items()
    )


async def until_value(service: InProcess, expected: float, name: str, **labels: str) -> None:
    async def is_so() -> bool:
        return value(service, name, **labels) == expected

    await until(is_so, f"{name}{labels} is {expected}")


async def test_a_tap_moves_what_it_should(world: OnSandbox, alice: Owner) -> None:
    one, _ = await alice.receive(
        message("Bob <bob@corp.example>", "one"), message("bob@corp.example", "two")
    )
    async with world.start(alice) as service:
        assert isinstance(service, InProcess)
        await until_value(service, 2, "mailroom_passes_total")  # at start, and as push connects
        assert value(service, "mailroom_screener_mails") == 2
        assert value(service, "mailroom_push_connected", transport="eventsource") == 1

        await alice.tap(one, "@ToFeed")
        await until_value(service, 1, "mailroom_decisions_total", category="Feed")

        assert value(service, "mailroom_decisions_total") == 1
        assert value(service, "mailroom_mails_filed_total", by="triage") == 2
        assert value(service, "mailroom_mails_filed_total", by="new_mail") == 0
        assert value(service, "mailroom_label_to_done_seconds_count") == 1
        assert value(service, "mailroom_label_to_done_seconds_sum") > 0
        assert value(service, "mailroom_passes_total", trigger="push", outcome="done") >= 1
        assert value(service, "mailroom_failures_total") == 0
        assert value(service, "mailroom_last_good_pass_timestamp_seconds") > 0


async def test_new_mail_moves_what_it_should(world: OnSandbox, alice: Owner) -> None:
    async with world.start(alice, MAILROOM_ARRIVALS_ENABLED="true") as service:
        assert isinstance(service, InProcess)
        await until_value(service, 2, "mailroom_passes_total")
        await alice.receive(message("bob@corp.example", "one"), into=("Inbox",))
        await until_value(service, 1, "mailroom_mails_filed_total", by="new_mail")

        assert value(service, "mailroom_arrival_to_filed_seconds_count") == 1
        assert value(service, "mailroom_label_to_done_seconds_count") == 0


async def test_push_that_goes_down_and_comes_back_shows(
    world: OnSandbox, alice: Owner, proxy: Proxy
) -> None:
    async with world.start(alice, http=proxy.url) as service:
        assert isinstance(service, InProcess)
        assert value(service, "mailroom_push_reconnects_total") == 0

        proxy.break_off()
        await until_value(service, 0, "mailroom_push_connected", transport="eventsource")

        proxy.mend()
        await until_value(service, 1, "mailroom_push_connected", transport="eventsource")
        assert value(service, "mailroom_push_reconnects_total") >= 1


async def test_the_process_has_them_where_its_health_is(alice: Owner, tmp_path: Path) -> None:
    env = environment(alice, **WORLD.settings)
    async with running(env, tmp_path / "mailroom.log") as process:
        status, text = await process.get("/metrics")
    assert status == 200
    assert 'mailroom_push_connected{account="",transport="eventsource"} 1.0' in text.splitlines()
