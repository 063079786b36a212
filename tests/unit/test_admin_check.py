"""``mailroom check`` on a mail server in memory: what it finds, and how often it asks."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mailroom.account import open_account
from mailroom.admin import sign_of_life
from mailroom.admin.check import check, verdict
from mailroom.admin.inspections import Finding
from mailroom.admin.local_service import ask_local_service
from mailroom.exits import Exit
from mailroom.health import Health, Overview, serve
from mailroom.jmap.habits import Limitation
from mailroom.sandbox import JAMES, STALWART, Quirks, Sandbox, User
from mailroom.sandbox import app as sandbox_app
from mailroom.sandbox import session as sandbox_session
from mailroom.sandbox.app import SandboxApp
from mailroom.sandbox.contacts import methods as contact_methods
from mailroom.sandbox.methods import reading
from mailroom.sandbox.sandbox_account import SandboxAccount
from mailroom.sandbox.store import Mailbox
from mailroom.settings.health import HealthSettings
from mailroom.settings.load import load_settings
from tests.support.service.forked import command
from tests.support.service.in_process import set_up
from tests.support.service.process import free_port

USER = User("alice", "secret", token="t0ken")
Environ = dict[str, str]


@pytest.fixture
async def environ(tmp_path: Path) -> AsyncIterator[Environ]:
    """The settings for an account that is set up."""
    sandbox = Sandbox(users=[USER], quirks=Quirks())
    async with sandbox.serve():
        environ = {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
        }
        await set_up(environ, tmp_path)
        yield environ


async def findings(environ: Environ, tmp_path: Path) -> dict[str, Finding]:
    """The last finding about each thing."""
    async with open_account(load_settings(environ, cwd=tmp_path)) as account:
        found = [each async for each in check(account)]
    return {each.what: each for each in found}


def text(finding: Finding) -> str:
    return "\n".join(finding.text())


async def test_all_is_well(environ: Environ, tmp_path: Path) -> None:
    found = await findings(environ, tmp_path)
    assert verdict(found.values()) is Exit.OK
    assert text(found["rights"]) == "ok   rights: mail may be changed"
    assert "spam" not in found


async def findings_without(mailbox: str, tmp_path: Path, **settings: str) -> dict[str, Finding]:
    """The findings about an account that lacks a mailbox of the server's own."""
    sandbox = Sandbox(users=[USER], quirks=Quirks())
    sandbox.owner().destroy_mailbox(mailbox)
    async with sandbox.serve():
        environ = {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
            **settings,
        }
        await set_up(environ, tmp_path)
        return await findings(environ, tmp_path)


async def test_an_account_without_a_mailbox_for_spam_is_a_remark(tmp_path: Path) -> None:
    found = await findings_without("Spam", tmp_path)
    assert text(found["spam"]) == (
        " .   spam: the account has no mailbox with the role junk, so @ToSpam cannot be carried out"
    )
    assert verdict(found.values()) is Exit.OK


async def test_an_account_without_an_archive_is_a_remark_if_waiting_mail_is_to_go_there(
    environ: Environ, tmp_path: Path
) -> None:
    found = await findings_without("Archive", tmp_path, MAILROOM_SCREENER_EXPIRE="30d")
    assert text(found["old waiting mail"]) == (
        " .   old waiting mail: the account has no mailbox with the role archive, so"
        " MAILROOM_SCREENER_EXPIRE=30d cannot be carried out"
    )
    assert verdict(found.values()) is Exit.OK
    assert "old waiting mail" not in await findings_without("Archive", tmp_path)
    assert "old waiting mail" not in await findings(
        {**environ, "MAILROOM_SCREENER_EXPIRE": "30d"}, tmp_path
    )


# Rights


async def test_a_token_that_may_only_read(
    environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sandbox_session.session

    def read_only(account: SandboxAccount, origin: str) -> dict[str, Any]:
        facts = session(account, origin)
        for each in facts["accounts"].values():
            each["isReadOnly"] = True
        return facts

    monkeypatch.setattr(sandbox_session, "session", read_only)
    found = await findings(environ, tmp_path)
    assert verdict(found.values()) is Exit.CREDENTIALS
    assert "isReadOnly (make a token that may write)" in found["rights"].detail
    assert text(found["push"]).startswith("ok")


async def test_a_mailbox_that_may_not_be_changed(
    environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rights = reading.rights

    def fewer(mailbox: Mailbox) -> dict[str, Any]:
        is_feed = mailbox.name == "Feed"
        return rights(mailbox) | ({"mayAddItems": False} if is_feed else {})

    monkeypatch.setattr(reading, "rights", fewer)
    found = await findings(environ, tmp_path)
    assert found["rights"].code is Exit.CREDENTIALS
    assert "mailbox Feed: mayAddItems not granted" in found["rights"].detail


async def test_an_address_book_that_may_not_be_written(
    environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only = {**contact_methods.BOOK["myRights"], "mayWrite": False}
    monkeypatch.setitem(contact_methods.BOOK, "myRights", read_only)
    found = await findings(environ, tmp_path)
    assert found["contacts"].code is Exit.CREDENTIALS


# Credentials


CARDDAV: dict[str, str] = {
    "MAILROOM_CONTACTS_BACKEND": "carddav",
    "MAILROOM_CARDDAV_URL": "http://127.0.0.1:9/",
    "MAILROOM_CARDDAV_USERNAME": "alice",
    "MAILROOM_CARDDAV_PASSWORD": "secret",
}


@pytest.mark.parametrize("contacts", [{}, CARDDAV], ids=["auto", "carddav"])
async def test_a_server_that_refuses_the_credentials_is_asked_once(
    environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contacts: dict[str, str]
) -> None:
    environ |= contacts
    asked: list[str] = []

    def refuse(_accounts: Any, authorization: str) -> None:
        asked.append(authorization)

    monkeypatch.setattr(sandbox_app, "find_account", refuse)
    found = await findings(environ, tmp_path)
    assert len(asked) == 1
    assert verdict(found.values()) is Exit.CREDENTIALS
    assert "credentials refused" in found["JMAP"].detail
    for what in ("rights", "contacts", "mailboxes and groups", "push", "next pass"):
        assert found[what].detail == "not looked at, for the same reason"


@pytest.mark.parametrize(
    ("days", "expected"), [(-5, "clock is 5 days, 0:00:0"), (5, "behind the mail server's")]
)
async def test_a_clock_that_is_wrong_is_reported(
    environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, expected: str
) -> None:
    found = await at_another_time(monkeypatch, timedelta(days=days), environ, tmp_path)
    assert expected in found["clock"].detail
    assert found["clock"].is_open
    assert verdict(found.values()) is Exit.OK


async def test_a_clock_that_is_right_is_nothing_to_tell(
    environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await at_another_time(monkeypatch, timedelta(seconds=30), environ, tmp_path)
    assert "clock" not in found


async def at_another_time(
    monkeypatch: pytest.MonkeyPatch, difference: timedelta, environ: Environ, tmp_path: Path
) -> dict[str, Finding]:
    """The findings where the mail server's clock differs so from ours."""
    api = SandboxApp._api

    async def dated(self: SandboxApp, request: web.Request) -> web.StreamResponse:
        response = await api(self, request)
        there = datetime.now(UTC) + difference
        response.headers["Date"] = format_datetime(there, usegmt=True)
        return response

    monkeypatch.setattr(SandboxApp, "_api", dated)
    sandbox = Sandbox(users=[USER])
    async with sandbox.serve():
        environ["MAILROOM_JMAP_SESSION_URL"] = sandbox.session_url
        await set_up(environ, tmp_path)
        return await findings(environ, tmp_path)


# Push


@pytest.mark.parametrize(
    ("transport", "expected"),
    [("eventsource", "; Mailroom polls instead"), ("auto", "websocket is alive")],
)
async def test_a_stream_that_blocks_the_account_is_found_out(
    environ: Environ,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
    expected: str,
) -> None:
    """As some servers do with EventSource; a WebSocket is another matter."""
    monkeypatch.setattr(sign_of_life, "ANSWER_TIMEOUT", 0.2)
    is_free = asyncio.Event()
    is_free.set()
    stream, api = SandboxApp._event_source, SandboxApp._api

    async def open_stream(self: SandboxApp, request: web.Request) -> web.StreamResponse:
        is_free.clear()
        try:
            return await stream(self, request)
        finally:
            is_free.set()

    async def blocked(self: SandboxApp, request: web.Request) -> web.StreamResponse:
        await is_free.wait()
        return await api(self, request)

    monkeypatch.setattr(SandboxApp, "_event_source", open_stream)
    monkeypatch.setattr(SandboxApp, "_api", blocked)
    sandbox = Sandbox(users=[USER])
    async with sandbox.serve():
        environ["MAILROOM_JMAP_SESSION_URL"] = sandbox.session_url
        environ["MAILROOM_PUSH_TRANSPORT"] = transport
        await set_up(environ, tmp_path)
        found = await findings(environ, tmp_path)
    assert expected in text(found["push"])
    assert verdict(found.values()) is Exit.OK


async def test_data_tell_of_push_once(environ: Environ, tmp_path: Path) -> None:
    done = await command(environ, "check", "--json", cwd=tmp_path)
    whats = [each["what"] for each in json.loads(done.out)["findings"]]
    assert (done.code, whats.count("push")) == (0, 1)
    told = await command(environ, "check", cwd=tmp_path)
    assert told.out.count(" push: ") == 2


# The service beside


async def test_what_the_service_cannot_do_is_reported(environ: Environ, tmp_path: Path) -> None:
    health = Health(poll_interval=300)
    health.pass_started("push")
    health.pass_succeeded(
        decisions=0,
        mails=0,
        left=[("decision", 2, "contact: 503")],
        stuck={"bob@corp.example": "contact: 413 Request Entity Too Large"},
    )
    async with serve(Overview({"": health}), host="127.0.0.1", port=0) as port:
        environ |= {"MAILROOM_HEALTH_HOST": "127.0.0.1", "MAILROOM_HEALTH_PORT": str(port)}
        found = await findings(environ, tmp_path)
    assert text(found["service"]).splitlines()[1:] == [
        "       not done yet: 2 x decision: contact: 503",
        "       refused for good: bob@corp.example: contact: 413 Request Entity Too Large",
    ]
    assert verdict(found.values()) is Exit.OK


async def test_of_several_accounts_each_is_reported_by_itself(
    environ: Environ, tmp_path: Path
) -> None:
    accounts = {name: Health(poll_interval=300) for name in ("anna", "ben")}
    accounts["ben"].pass_started("poll")
    accounts["ben"].pass_failed("no answer (refused)")
    async with serve(Overview(accounts), host="127.0.0.1", port=0) as port:
        health = HealthSettings(host="127.0.0.1", port=port)
        settings = load_settings(environ, cwd=tmp_path)
        told = {}
        for name in accounts:
            told[name] = await ask_local_service(replace(settings, health=health, name=name))
    assert told["anna"] is not None
    assert told["ben"] is not None
    assert told["anna"][1] == ()
    assert told["ben"][1] == ("the last pass failed: no answer (refused)",)


async def test_where_no_service_runs_nothing_is_said_of_it(
    environ: Environ, tmp_path: Path
) -> None:
    environ |= {"MAILROOM_HEALTH_HOST": "127.0.0.1", "MAILROOM_HEALTH_PORT": str(free_port())}
    assert "service" not in await findings(environ, tmp_path)


# What the server cannot do


@pytest.mark.parametrize(
    ("quirks", "expected"),
    [
        (Quirks(), []),
        (STALWART, [Limitation.HEADERS]),
        (
            JAMES,
            [Limitation.SEVERAL_MAILBOXES, Limitation.TOTALS, Limitation.LAST_POSITION],
        ),
    ],
    ids=["good", "Stalwart", "James"],
)
async def test_it_says_what_the_server_cannot_do_and_what_is_done_instead(
    tmp_path: Path, quirks: Quirks, expected: list[Limitation]
) -> None:
    sandbox = Sandbox(users=[USER], quirks=quirks)
    async with sandbox.serve():
        environ = {
            "PATH": os.environ["PATH"],
            "MAILROOM_JMAP_SESSION_URL": sandbox.session_url,
            "MAILROOM_JMAP_TOKEN": "t0ken",
        }
        await set_up(environ, tmp_path)
        sandbox.deliver(b"From: ann@x.example\r\n\r\nHi.", mailbox="Screener")
        found = await findings(environ, tmp_path)
    assert found["search"].code is Exit.OK
    assert list(found["search"].lines) == [each.value for each in expected]


async def test_the_time_of_the_next_digest(environ: Environ, tmp_path: Path) -> None:
    assert "next digest" not in await findings(environ, tmp_path)
    digest = {"MAILROOM_DIGEST_AT": "8:00", "MAILROOM_TIMEZONE": "Asia/Tokyo"}
    found = await findings({**environ, **digest}, tmp_path)
    assert "digest" not in found
    when = r"on \d{4}-\d\d-\d\d at 08:00 \(Asia/Tokyo\), if anybody new waits"
    assert re.fullmatch(when, found["next digest"].detail)
    digest.pop("MAILROOM_TIMEZONE")
    machines = (await findings({**environ, **digest}, tmp_path))["next digest"]
    assert "the time zone of this machine" in machines.detail


async def test_a_server_that_takes_no_mail_cannot_have_a_digest(
    environ: Environ, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sandbox_session.session

    def without_upload(account: SandboxAccount, origin: str) -> dict[str, Any]:
        return {**session(account, origin), "uploadUrl": ""}

    monkeypatch.setattr(sandbox_session, "session", without_upload)
    found = await findings({**environ, "MAILROOM_DIGEST_AT": "08:00"}, tmp_path)
    assert found["digest"].is_open
    assert "uploadUrl" in found["digest"].detail


async def test_the_page(environ: Environ, tmp_path: Path) -> None:
    assert "page" not in await findings(environ, tmp_path)
    password = {"MAILROOM_WEB_PASSWORD": "correct horse battery"}
    finding = (await findings({**environ, **password}, tmp_path))["page"]
    assert finding.detail == "port 8081; sign-in by password"
    assert finding.is_open
    assert "MAILROOM_WEB_URL" in finding.lines[0]
    others = {
        "MAILROOM_WEB_URL": "https://mail.example",
        "MAILROOM_WEB_PROXY_HEADER": "Remote-User",
        "MAILROOM_WEB_TRUSTED_NETWORKS": "10.0.0.0/8",
        "MAILROOM_WEB_API_TOKEN": "0123456789abcdefghij",
    }
    finding = (await findings({**environ, **others}, tmp_path))["page"]
    assert not finding.is_open
    assert finding.detail == (
        "https://mail.example; users by Remote-User from 10.0.0.0/8, tokens for programs"
    )
