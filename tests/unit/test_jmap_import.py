"""Upload and import by the client: addresses, answers and errors."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from mailroom.http import BrokenAnswerError
from mailroom.jmap.errors import PROBLEM, MethodError, RequestError, SessionError, SetError
from mailroom.jmap.importing import ImportedEmail, ImportRefusedError, import_email
from mailroom.jmap.mail_account import MailAccount
from mailroom.jmap.session import keeping_origin
from mailroom.sandbox import JAMES, Quirks
from tests.support.sandbox.jmap_account import open_account
from tests.support.scripted.jmap import JmapServer, asked, read
from tests.unit.test_jmap_session import parsed

ATTEMPTS = 4
AT = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
MESSAGE = b"From: a@x.example\r\nSubject: digest\r\n\r\nHi.\r\n"


def importing(**more: Any) -> Any:
    return import_email("a", "G1", mailbox_ids=["i"], keywords=["$x"], received_at=AT, **more)


def test_an_import_is_asked_for_with_all_that_some_servers_need() -> None:
    message = {
        "blobId": "G1",
        "mailboxIds": {"i": True},
        "keywords": {"$x": True},
        "receivedAt": "2026-11-28T08:00:00Z",
    }
    arguments = {"accountId": "a", "emails": {"message": message}, "ifInState": "7"}
    assert asked(importing(if_in_state="7")) == [["Email/import", arguments, "0"]]


def test_a_new_mail_is_told_from_one_that_was_there() -> None:
    new = {"created": {"message": {"id": "M1"}}, "notCreated": None}
    there = {"notCreated": {"message": {"type": "alreadyExists", "existingId": "M2"}}}
    assert read(importing(), new) == ImportedEmail("M1", is_new=True)
    assert read(importing(), there) == ImportedEmail("M2", is_new=False)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"notCreated": {"message": {"type": "overQuota"}}}, SetError("overQuota")),
        ({"notCreated": {"message": {"type": "alreadyExists"}}}, SetError("alreadyExists")),
        ({}, SetError("serverFail")),
    ],
)
def test_a_refused_message_is_an_error(answer: dict[str, Any], reason: SetError) -> None:
    with pytest.raises(ImportRefusedError) as refused:
        read(importing(), answer)
    assert refused.value.reason == reason


def test_an_answer_without_an_id_is_an_error() -> None:
    with pytest.raises(MethodError):
        read(importing(), {"created": {"message": {}}})


@pytest.mark.parametrize("quirks", [Quirks(), JAMES])
async def test_an_account_imports_a_message(quirks: Quirks) -> None:
    async with open_account(quirks) as account:
        mail = await MailAccount.open(account.client)
        (inbox,) = [mailbox.id for mailbox in await mail.mailboxes() if mailbox.role == "inbox"]
        done = await mail.import_mail(
            MESSAGE, mailbox_ids=[inbox], keywords=["$mailroom-digest"], received_at=AT
        )
        _, (email,) = await mail.read([done.id])
    assert done.is_new
    assert email.mailbox_ids == {inbox}
    assert email.keywords == {"$mailroom-digest"}
    assert email.received_at == "2026-11-28T08:00:00Z"


async def test_an_upload_goes_only_where_credentials_may_go() -> None:
    server = JmapServer(urls={"uploadUrl": "https://elsewhere.example/{accountId}"})
    async with server.running() as (client, _):
        with pytest.raises(SessionError, match=r"elsewhere\.example.*KEEP_ORIGIN"):
            await client.upload("alice", MESSAGE, "message/rfc822")


async def test_a_server_without_uploads_is_named() -> None:
    async with JmapServer().running() as (client, _):
        with pytest.raises(SessionError, match="uploadUrl"):
            await client.upload("alice", MESSAGE, "message/rfc822")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (201, {"size": 3}, BrokenAnswerError),
        (201, ["blobId"], BrokenAnswerError),
        (413, {"type": f"{PROBLEM}limit", "limit": "maxSizeUpload"}, RequestError),
    ],
)
async def test_odd_answers_to_an_upload_are_errors(
    status: int, body: Any, error: type[Exception]
) -> None:
    # An answer that cannot be read is asked for again.
    answers: list[web.Response | None] = [
        web.json_response(body, status=status) for _ in range(ATTEMPTS)
    ]
    server = JmapServer(refusals=answers, urls={"uploadUrl": "/jmap/?account={accountId}"})
    async with server.running() as (client, _):
        with pytest.raises(error):
            await client.upload("alice", b"{}", "application/json")


def test_the_upload_template_becomes_absolute_and_may_keep_the_origin() -> None:
    session = parsed(uploadUrl="/up/{accountId}")
    assert session.upload_template == "https://mail.example.com/up/{accountId}"
    moved = keeping_origin(session, URL("http://127.0.0.1:8080/x"))
    assert moved.upload_template == "http://127.0.0.1:8080/up/{accountId}"
    assert parsed(uploadUrl=None).upload_template == ""
