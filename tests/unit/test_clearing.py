"""Clearing an account: its batches, its clock, and what others do meanwhile."""

from datetime import timedelta

import pytest

from mailroom.admin.clear import Clearance
from mailroom.jmap.client import JmapClient
from mailroom.sandbox import Quirks
from mailroom.screener.model.categories import DEFAULTS, Layout
from mailroom.screener.model.keywords import WAIVED
from mailroom.screener.model.missing import MissingRoleError
from mailroom.screener.passes import mail_run
from mailroom.screener.passes.clearing import Clearing
from mailroom.screener.passes.mail_run import RunResult
from tests.support.proxy.proxy import Answer, Exchange, Forward
from tests.support.sandbox.arrivals import NOW, World, a_world

WRITE = "Email/set"


def clear_of(world: World) -> Clearing:
    return Clearing(world.account, DEFAULTS, Layout())


def quiet(_done: int, _total: int) -> None:
    """Show no progress."""


def waits(world: World, count: int, *, days: int = 0, sender: str = "{}@x.example") -> list[str]:
    """Have mails wait that came some days ago by the server's clock."""
    at = world.account.client.server_now() - timedelta(days=days)
    return [world.deliver(sender.format(number), at=at, into="Screener") for number in range(count)]


@pytest.fixture
def three_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_run, "_AT_ONCE", 3)


async def test_a_survey_writes_nothing() -> None:
    async with a_world() as world:
        waits(world, 4, sender="ann@x.example")
        waits(world, 2)
        before = world.console.mails()
        found = await clear_of(world).survey(None, quiet)

        assert (found.mails, len(found.senders), found.failures) == (6, 3, {})
        assert found.archive == "Archive"
        assert world.console.mails() == before
        assert not any(exchange.is_write for exchange in world.proxy.exchanges)


@pytest.mark.usefixtures("three_at_a_time")
async def test_parts_are_cleared_one_after_the_other_and_then_nothing_is_left() -> None:
    async with a_world() as world:
        waits(world, 7)
        progress: list[tuple[int, int]] = []
        done = await clear_of(world).run(None, lambda *part: progress.append(part))
        again = await clear_of(world).run(None, quiet)

        assert progress == [(3, 7), (6, 7), (7, 7)]
        assert (done.mails, len(done.senders), done.failures) == (7, 7, {})
        assert all(WAIVED in email.keywords for email in world.console.mails("Archive"))
        assert len(world.console.mails("Archive")) == 7
        assert again == RunResult("Archive")


async def test_only_mail_that_is_old_by_the_clock_of_the_server_is_cleared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(JmapClient, "server_now", lambda _: NOW - timedelta(days=400))
    async with a_world() as world:
        (old,), (new,) = waits(world, 1, days=31), waits(world, 1, days=29)
        done = await clear_of(world).run(timedelta(days=30), quiet)

        assert done.mails == 1
        assert (world.where(old), world.where(new)) == ({"Archive"}, {"Screener"})


async def test_a_label_that_is_tapped_meanwhile_is_respected() -> None:
    async with a_world() as world:
        tapped, plain = waits(world, 2)
        taps = [tapped]

        async def intercept(exchange: Exchange, forward: Forward) -> Answer:
            if WRITE in exchange.calls and taps:
                world.console.label(taps.pop(), add=["@ToFeed"])
            return await forward()

        world.proxy.intercept = intercept
        done = await clear_of(world).run(None, quiet)

        assert (done.mails, done.failures) == (1, {})
        assert world.where(tapped) == {"Screener", "@ToFeed"}
        assert world.where(plain) == {"Archive"}


async def test_while_mail_changes_all_the_time_only_a_safe_patch_is_forced() -> None:
    async with a_world() as world:
        plain, shared = waits(world, 2)
        world.console.label(shared, add=["Inbox"])
        other = world.deliver(into="Feed")

        async def intercept(exchange: Exchange, forward: Forward) -> Answer:
            if WRITE in exchange.calls:
                boxes = ["Imbox", "Feed"]
                (there,) = world.where(other)
                boxes.remove(there)
                world.console.label(other, add=boxes, remove=[there])
            return await forward()

        world.proxy.intercept = intercept
        done = await clear_of(world).run(None, quiet)

        assert (done.mails, list(done.failures)) == (1, [shared])
        assert world.where(plain) == {"Archive"}
        assert world.where(shared) == {"Screener", "Inbox"}


async def test_without_states_a_mail_goes_where_its_owner_moved_it() -> None:
    async with a_world(Quirks(email_set_states=False)) as world:
        moved, plain = waits(world, 2)
        moves = [moved]

        async def intercept(exchange: Exchange, forward: Forward) -> Answer:
            if WRITE in exchange.calls and moves:
                world.console.label(moves.pop(), add=["Feed"], remove=["Screener"])
            return await forward()

        world.proxy.intercept = intercept
        await clear_of(world).run(None, quiet)

        assert world.where(plain) == {"Archive"}
        assert world.where(moved) == {"Feed"}


async def test_an_account_without_an_archive_is_left_alone() -> None:
    async with a_world() as world:
        (mail_id,) = waits(world, 1)
        world.console.destroy_mailbox("Archive")
        with pytest.raises(MissingRoleError, match="archive"):
            await clear_of(world).run(None, quiet)
        assert world.where(mail_id) == {"Screener"}


def clearance(cleared: RunResult, *, older: str = "", is_applied: bool = False) -> Clearance:
    return Clearance(cleared, older, is_applied, "@ToScreener", "work")


def test_the_text_of_a_survey_names_the_command_that_clears() -> None:
    found = clearance(RunResult("Archive", 2, {"a", "b"}, "2026-02-01T12:00:00Z"), older="30d")
    (line,) = found.text()
    assert line == "2 mails of 2 senders, the oldest of 2026-02-01: can go to Archive"
    assert "mailroom clear --older 30d --account work --apply" in found.advice()


def test_the_text_after_clearing_names_the_ways_back() -> None:
    done = clearance(RunResult("Archive", 1, {"a"}, "2026-02-01T12:00:00Z"), is_applied=True)
    (line,) = done.text()
    assert line == "1 mail of 1 sender, the oldest of 2026-02-01: left the Screener for Archive"
    for way in ("@ToScreener", "mailroom undo --account work", "mailroom decide --account work"):
        assert way in done.advice()


def test_nothing_to_clear_is_said_and_needs_no_advice() -> None:
    assert [*clearance(RunResult("Archive")).text()] == ["No mail waits."]
    assert [*clearance(RunResult("Archive"), older="9d").text()] == [
        "No mail has waited longer than 9d."
    ]
    assert clearance(RunResult("Archive")).advice() == ""


def test_mail_that_could_not_be_moved_is_listed() -> None:
    failed = clearance(RunResult("Archive", failures={"m\x1b": "no\x1b[31m"}), is_applied=True)
    (line,) = failed.text()
    assert line.startswith("FAILED mail m")
    assert "\x1b" not in line
    assert failed.data()["failures"] == {"m\x1b": "no\x1b[31m"}
