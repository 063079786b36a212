"""The demo's stage: nobody's own settings get in, and nothing is waited for for ever."""

import tempfile
from pathlib import Path

import pytest

from mailroom.account import open_account
from mailroom.demo.mailbox import (
    BAKERS,
    BILLING,
    CHAD,
    FIRST,
    INES,
    LOOM,
    TIDEWATER,
    Letter,
    strangers,
)
from mailroom.demo.stage import USER, Stage, UnexpectedEventError, demo_settings, open_stage
from mailroom.sandbox import Sandbox

URL = "http://127.0.0.1:1"


def test_no_settings_of_the_visitor_get_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mailroom.yaml").write_text("push: {settle: 30}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAILROOM_JMAP_TOKEN", "the visitor's own")
    monkeypatch.setenv("MAILROOM_NONSENSE", "1")
    settings = demo_settings(f"{URL}/jmap/", URL)
    assert settings.jmap.token.get_secret_value() == ""
    assert settings.jmap.username == settings.carddav.username == USER.name
    assert settings.push.settle == 0.1


def test_the_settings_leave_no_folder_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    demo_settings(f"{URL}/jmap/", URL)
    assert list(tmp_path.iterdir()) == []


async def test_a_service_that_is_not_there_is_not_waited_for_for_ever() -> None:
    sandbox = Sandbox(users=(USER,))
    async with sandbox.serve():
        settings = demo_settings(sandbox.session_url, sandbox.url)
        async with open_account(settings) as owner, open_account(settings) as worker:
            stage = Stage(sandbox, owner=owner, worker=worker, patience=0.1)
            await stage.set_up()
            with pytest.raises(UnexpectedEventError, match=r"new mail is not filed after 0\.1 s"):
                await stage.deliver(FIRST[0])
            with pytest.raises(
                UnexpectedEventError, match=r"@ToFeed is not dealt with after 0\.1 s"
            ):
                await stage.tap(stage.newest.id, add=["@ToFeed"])


async def test_a_service_that_cannot_start_is_reported() -> None:
    sandbox = Sandbox(users=(USER,))
    async with sandbox.serve():
        settings = demo_settings(sandbox.session_url, sandbox.url)
        async with open_account(settings) as owner, open_account(settings) as worker:
            stage = Stage(sandbox, owner=owner, worker=worker, patience=0.1)
            with pytest.raises(UnexpectedEventError, match="does not start"):
                async with stage.serve():  # nothing is set up
                    pass


async def test_what_is_there_of_a_sender_is_seen_and_numbers_stay() -> None:
    async with open_stage() as stage:
        lacking = await stage.set_up()
        assert lacking.groups
        async with stage.serve() as (health_url, _):
            assert health_url.startswith("http://127.0.0.1:")
            letters = (Letter(CHAD, "Hi", hours=1), Letter(LOOM, "Older", hours=9))
            assert await stage.deliver(*letters) > stage.settings.push.settle / 2
            first, second = stage.latest("Hi"), stage.latest("Older")
            assert [stage.number(each) for each in stage.console.mails()] == [2, 1]
            assert first.mailboxes == second.mailboxes == {"Screener"}
            assert await stage.tap(second.id, add=["@ToFeed"]) > stage.settings.push.settle / 2
            seen = await stage.see(LOOM)
            assert seen.mails == (frozenset({"Feed"}),)
            assert seen.groups == {"Feed", "Mailroom"}
            assert await stage.see_contacts() == [(seen.card, seen.groups)]
            assert stage.by_number(1) == first
            assert [stage.by_number(each) for each in (0, 3)] == [None, None]
            await stage.deliver(Letter(LOOM, "Newer"))
            third = stage.newest
            assert third.mailboxes == {"Feed"}
            assert stage.latest("Newer") == third


async def test_a_list_and_a_domain_are_seen_with_their_mail_and_contact() -> None:
    async with open_stage() as stage:
        await stage.set_up()
        async with stage.serve():
            post, letter = Letter(INES, "Post", mailing_list=BAKERS), Letter(INES, "Letter")
            await stage.deliver(post, letter, Letter(BILLING, "Invoice"))
            await stage.tap(stage.latest("Post").id, add=["@ToFeed"])
            of_list = await stage.see(BAKERS)
            assert of_list.mails == (frozenset({"Feed"}),)
            assert of_list.groups == {"Feed", "Mailroom"}
            of_sender = await stage.see(INES)
            assert of_sender.mails == (frozenset({"Screener"}),)
            assert of_sender.card is None
            await stage.tap(stage.latest("Invoice").id, add=["@ToTruck", "@WholeDomain"])
            of_domain = await stage.see(TIDEWATER)
            assert of_domain.mails == (frozenset({"Truck", "Paper Trail"}),)
            cards = [card for card, _ in await stage.see_contacts()]
            assert cards == [of_list.card, of_domain.card]


def test_mail_of_a_list_is_not_the_posters() -> None:
    post, letter = Letter(INES, "Post", mailing_list=BAKERS), Letter(INES, "Letter")
    assert [mail.is_of(BAKERS) for mail in (post, letter)] == [True, False]
    assert [mail.is_of(INES) for mail in (post, letter)] == [False, True]
    assert Letter(BILLING, "Invoice").is_of(TIDEWATER)
    assert not post.is_of(TIDEWATER)


def test_there_are_always_more_strangers() -> None:
    letters = strangers()
    addresses = [next(letters).sender.address for _ in range(50)]
    assert len(set(addresses)) == 50
