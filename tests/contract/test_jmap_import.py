"""Upload and Email/import (RFC 8620 section 6.1, RFC 8621 section 4.8), on both servers."""

from typing import Any

from tests.contract.servers import Account, Arguments, message

AT = "2026-11-28T08:00:00Z"
KEYWORDS = {"$mailroom-digest": True, "$seen": True}


async def uploaded(account: Account, data: bytes) -> Arguments:
    """Upload a message; return the server's answer."""
    headers = {**account.auth, "Content-Type": "message/rfc822"}
    answer = await account.ask("POST", f"/jmap/upload/{account.name}/", data=data, headers=headers)
    assert answer.status == 201
    body: Arguments = answer.body
    return body


async def imported(account: Account, **facts: Any) -> Arguments:
    """Import one message as ``m``; return the answer."""
    return await account.call("Email/import", emails={"m": {"receivedAt": AT, **facts}})


async def test_an_upload_has_an_id_a_type_and_a_size(account: Account) -> None:
    data = message("ann@x.example")
    body = await uploaded(account, data)
    assert (body["accountId"], body["type"]) == (account.name, "message/rfc822")
    assert body["size"] == len(data)
    assert body["blobId"] == (await uploaded(account, data))["blobId"]


async def test_a_message_is_imported_with_mailboxes_keywords_and_time(account: Account) -> None:
    blob = (await uploaded(account, message("ann@x.example", "imported")))["blobId"]
    mailboxes = await account.mailboxes()
    ids = {mailboxes[name]: True for name in ("Inbox", "Archive")}
    before = await account.state()
    answer = await imported(account, blobId=blob, mailboxIds=ids, keywords=KEYWORDS)
    assert not answer["notCreated"]
    assert answer["oldState"] == before
    assert answer["newState"] == await account.state()
    assert answer["created"]["m"].keys() == {"id", "blobId", "threadId", "size"}
    mail = await account.mail(
        answer["created"]["m"]["id"], "subject", "mailboxIds", "keywords", "receivedAt"
    )
    assert mail == {
        "subject": "imported",
        "mailboxIds": ids,
        "keywords": KEYWORDS,
        "receivedAt": AT,
    }


async def test_the_same_message_is_not_imported_twice(account: Account) -> None:
    blob = (await uploaded(account, message("ann@x.example")))["blobId"]
    mailboxes = await account.mailboxes()
    first = await imported(account, blobId=blob, mailboxIds={mailboxes["Inbox"]: True})
    again = await imported(account, blobId=blob, mailboxIds={mailboxes["Archive"]: True})
    assert not again["created"]
    first_id = first["created"]["m"]["id"]
    assert again["notCreated"] == {"m": {"type": "alreadyExists", "existingId": first_id}}
    assert (await account.mail(first_id, "mailboxIds"))["mailboxIds"] == {mailboxes["Inbox"]: True}


async def test_nothing_is_imported_in_another_state(account: Account) -> None:
    blob = (await uploaded(account, message("ann@x.example")))["blobId"]
    inbox = {(await account.mailboxes())["Inbox"]: True}
    state = await account.state()
    await account.receive(message("bob@x.example"))
    emails = {"m": {"blobId": blob, "mailboxIds": inbox}}
    error = await account.refusal("Email/import", emails=emails, ifInState=state)
    assert error["type"] == "stateMismatch"
    assert len((await account.call("Email/query"))["ids"]) == 1


async def test_an_unknown_blob_or_mailbox_is_refused(account: Account) -> None:
    blob = (await uploaded(account, message("ann@x.example")))["blobId"]
    inbox = (await account.mailboxes())["Inbox"]
    for wrong, facts in (
        ("blobId", {"blobId": "Gnope", "mailboxIds": {inbox: True}}),
        ("mailboxIds", {"blobId": blob, "mailboxIds": {"nope": True}}),
    ):
        refused = (await imported(account, **facts))["notCreated"]["m"]
        assert (refused["type"], refused["properties"]) == ("invalidProperties", [wrong])


async def test_an_upload_that_is_no_message_is_refused(account: Account) -> None:
    blob = (await uploaded(account, b"\x00\xff"))["blobId"]
    inbox = (await account.mailboxes())["Inbox"]
    refused = (await imported(account, blobId=blob, mailboxIds={inbox: True}))["notCreated"]["m"]
    assert refused["type"] == "invalidEmail"
