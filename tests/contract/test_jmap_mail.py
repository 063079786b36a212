"""Email/get, Email/set, Email/changes, Thread/get: the sandbox answers as Cyrus does."""

from typing import Any

import pytest

from tests.contract.servers import SUBMISSION, Account, message

FROM = "header:From:asAddresses:all"
CODED = (
    b"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=C3=BC=C3=9Fe aus\r\n dem  S=C3=BCden\r\n"
)


def named(email: str, name: str | None = None) -> dict[str, str | None]:
    return {"name": name, "email": email}


# Email/get

SENDERS: dict[str, list[dict[str, str | None]] | None] = {
    "Ann Example <ann@x.example>": [named("ann@x.example", "Ann Example")],
    "ann@x.example": [named("ann@x.example")],
    "ANN@X.Example": [named("ANN@x.example")],
    "Ann (nick) Ex <ann@x.example>": [named("ann@x.example", "Ann Ex")],
    "ann@x.example (Ann)": [named("ann@x.example", "Ann")],
    '"X, Y" <q@z.example> (comment)': [named("q@z.example", "X, Y")],
    '"say \\"hi\\"" <q@z.example>': [named("q@z.example", 'say "hi"')],
    '"ann@x.example" <evil@z.example>': [named("evil@z.example", "ann@x.example")],
    "=?utf-8?q?J=C3=BCrgen?= <j@u.example>": [named("j@u.example", "Jürgen")],
    "=?iso-8859-1?q?J=F6rg?= <j@u.example>": [named("j@u.example", "Jörg")],
    "=?utf-8?q?a?= =?utf-8?q?b?= <a@b.example>": [named("a@b.example", "ab")],
    "Jörg Ä <joerg@ü.example>": [named("joerg@xn--tda.example", "Jörg Ä")],
    "a@b.example,\r\n c@d.example": [named("a@b.example"), named("c@d.example")],
    "Friends: a@b.example, c@d.example;": [named("a@b.example"), named("c@d.example")],
    "Ann <ann@x.example> <b@y.example>": [named("ann@x.example", "Ann"), named("b@y.example")],
    "<@route.example:u@v.example>": [named("u@v.example")],
    "ann @ x.example": [named("ann@x.example")],
    "<a@b.example": [named("a@b.example")],
    "a@b.example, ": [named("a@b.example")],
    "a b <c d@e.example>": [named("c d@e.example", "a b")],
    '"odd" <"odd local"@x.example>': [named("odd local@x.example", "odd")],
    '"X" <>': [named("", "X")],
    "Foo <foo>": [named("foo", "Foo")],
    "no address here": [],
    "undisclosed-recipients:;": [],
    "": None,
}


async def test_email_get_reads_addresses(account: Account) -> None:
    ids = await account.receive(*map(message, SENDERS))
    answer = await account.call("Email/get", ids=ids, properties=[FROM, "from"])
    emails = {email["id"]: email for email in answer["list"]}
    assert [emails[mail_id]["from"] for mail_id in ids] == list(SENDERS.values())
    assert [emails[mail_id][FROM] for mail_id in ids] == [
        [addresses] for addresses in SENDERS.values()
    ]


async def test_email_get_knows_every_from_field(account: Account) -> None:
    two = message("first@x.example", "two", "From: second@x.example")
    none = message("x@x.example").replace(b"From: x@x.example\r\n", b"")
    of_two, of_none = await account.receive(two, none)
    assert await account.mail(of_two, FROM, "from") == {
        FROM: [[named("first@x.example")], [named("second@x.example")]],
        "from": [named("second@x.example")],
    }
    assert await account.mail(of_none, FROM, "from") == {FROM: [], "from": None}


async def test_the_preview_is_the_beginning_of_the_text(account: Account) -> None:
    plain = message("ann@x.example")
    coded = plain.replace(b"\r\n\r\nHi.\r\n", CODED)
    ids = await account.receive(plain, coded)
    previews = [(await account.mail(mail_id, "preview"))["preview"].strip() for mail_id in ids]
    assert previews == ["Hi.", "Grüße aus dem Süden"]


async def test_a_field_that_is_not_utf8_is_read_in_one_way_only(account: Account) -> None:
    old = message("x@x.example").replace(b"From: x@x.example", b"From: J\xfcrgen <old@x.example>")
    (mail_id,) = await account.receive(old)
    fields = await account.mail(mail_id, FROM, "from")
    assert fields[FROM] == []
    assert [address["email"] for address in fields["from"]] == ["old@x.example"]


async def test_email_get_properties(account: Account) -> None:
    extra = ("Cc: c@x.example", "List-Id: A list <a.list>", "X-Odd:  a\r\n b", "X-Odd: c")
    data = message("ann@x.example", "=?utf-8?q?=C3=A4?= b", *extra, "References: <1@x> <2@x>")
    (mail_id,) = await account.receive(data)
    inbox = (await account.mailboxes())["Inbox"]
    expected: dict[str, Any] = {
        "subject": "ä b",
        "to": [named("alice@example.com")],
        "cc": [named("c@x.example")],
        "bcc": None,
        "references": ["1@x", "2@x"],
        "inReplyTo": None,
        "mailboxIds": {inbox: True},
        "keywords": {},
        "header:Subject": " =?utf-8?q?=C3=A4?= b",
        "header:List-Id:asText": "A list <a.list>",
        "header:X-Odd": " c",
        "header:X-Odd:all": ["  a\r\n b", " c"],
        "header:x-odd:asText:all": ["a b", "c"],
        "header:X-None": None,
        "header:X-None:all": [],
        "header:Cc:asAddresses": [named("c@x.example")],
        "header:References:asMessageIds": ["1@x", "2@x"],
    }
    assert await account.mail(mail_id, *expected) == expected
    facts = await account.mail(mail_id, "id", "messageId", "receivedAt")
    assert facts["id"] == mail_id
    assert data.decode().count(f"Message-ID: <{facts['messageId'][0]}>") == 1
    assert facts["receivedAt"].endswith("Z")


@pytest.mark.parametrize(
    "name",
    [
        "bogus",
        "header:",
        "header:From:bogus",
        "header:From:asText",
        "header:From:asMessageIds",
        "header:Subject:asAddresses",
        "header:Date:asText",
        "header:X-A:all:asText",
    ],
)
async def test_email_get_refuses_properties(account: Account, name: str) -> None:
    assert await account.refusal("Email/get", ids=[], properties=["id", name]) == {
        "type": "invalidArguments",
        "arguments": [f"properties[1:{name}]"],
    }


async def test_email_get_of_ids_that_are_not_there(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    ids = ["Mnope", mail_id, "odd id"]
    answer = await account.call("Email/get", ids=ids, properties=["subject"])
    assert answer == {
        "state": await account.state(),
        "list": [{"id": mail_id, "subject": "Hello"}],
        "notFound": ["Mnope", "odd id"],
        "accountId": account.name,
    }


async def test_email_get_of_everything_is_refused(account: Account) -> None:
    too_large = {"type": "requestTooLarge", "description": "ids must be specified"}
    assert await account.refusal("Email/get", ids=None, properties=["id"]) == too_large
    assert await account.refusal("Thread/get") == too_large


async def test_identities(account: Account) -> None:
    ((name, answer),) = await account.perform(
        ("Identity/get", {"ids": None, "properties": ["id", "email"]}), using=(SUBMISSION,)
    )
    assert name == "Identity/get"
    assert [set(identity) for identity in answer["list"]] == [{"id", "email"}]
    assert answer["notFound"] == []


# Email/set


async def test_mailboxes_and_keywords_are_patched(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    boxes = await account.mailboxes()
    inbox, archive = boxes["Inbox"], boxes["Archive"]
    add = {f"mailboxIds/{archive}": True, "keywords/$Seen": True, "keywords/own": True}
    assert await account.patch(mail_id, **add) is None
    assert await account.mail(mail_id, "mailboxIds", "keywords") == {
        "mailboxIds": {inbox: True, archive: True},
        "keywords": {"$seen": True, "own": True},
    }
    assert await account.patch(mail_id, **{f"mailboxIds/{inbox}": None}) is None
    assert await account.patch(mail_id, keywords={"$flagged": True}) is None
    assert await account.mail(mail_id, "mailboxIds", "keywords") == {
        "mailboxIds": {archive: True},
        "keywords": {"$flagged": True},
    }
    swap = {f"mailboxIds/{inbox}": True, f"mailboxIds/{archive}": None, "keywords": None}
    assert await account.patch(mail_id, **swap) is None
    assert await account.mail(mail_id, "mailboxIds", "keywords") == {
        "mailboxIds": {inbox: True},
        "keywords": {},
    }


async def test_a_set_answers_in_full(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    before = await account.state()
    done = await account.call("Email/set", update={mail_id: {"keywords/$seen": True}})
    assert done == {
        "oldState": before,
        "newState": await account.state(),
        "created": None,
        "updated": {mail_id: None},
        "destroyed": None,
        "notCreated": None,
        "notUpdated": None,
        "notDestroyed": None,
        "accountId": account.name,
    }
    assert done["newState"] != before


async def test_a_patch_without_effect_changes_no_state(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    boxes = await account.mailboxes()
    before = await account.state()
    patch = {f"mailboxIds/{boxes['Inbox']}": True, f"mailboxIds/{boxes['Archive']}": None}
    assert await account.patch(mail_id, **patch) is None
    assert await account.patch(mail_id, id=mail_id) is None
    assert await account.patch(mail_id) is None
    assert await account.state() == before


@pytest.mark.parametrize(
    ("patch", "properties"),
    [
        ({"mailboxIds/nope": True}, ["mailboxIds"]),
        ({"mailboxIds/nope": None}, ["mailboxIds"]),
        ({"mailboxIds/nope": True, "mailboxIds/ARCHIVE": True}, ["mailboxIds"]),
        ({"mailboxIds": {}}, ["mailboxIds"]),
        ({"mailboxIds": None}, ["mailboxIds"]),
        ({"mailboxIds": "x"}, ["mailboxIds"]),
        ({"mailboxIds/ARCHIVE": False}, ["mailboxIds/ARCHIVE"]),
        ({"mailboxIds/ARCHIVE": 5}, ["mailboxIds/ARCHIVE"]),
        ({"mailboxIds": {"ARCHIVE": False}}, ["mailboxIds/ARCHIVE"]),
        ({"keywords/$seen": False}, ["keywords/$seen"]),
        ({"keywords": {"$seen": False}}, ["keywords/$seen"]),
        ({"keywords/bad key(": True}, ["keywords/bad key("]),
        ({"keywords/": True}, ["keywords/"]),
        ({"wibble": 1}, ["wibble"]),
        ({"wibble/x": True}, ["wibble/x"]),
        ({"id": "Mother"}, ["id"]),
    ],
)
async def test_patches_that_are_refused(
    account: Account, patch: dict[str, Any], properties: list[str]
) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    boxes = await account.mailboxes()
    before = await account.mail(mail_id, "mailboxIds", "keywords")
    filled = _filled(patch, boxes["Archive"])
    refused = {"type": "invalidProperties", "properties": _filled(properties, boxes["Archive"])}
    assert await account.patch(mail_id, **filled) == refused
    also_moving = {**filled, f"mailboxIds/{boxes['Inbox']}": None}
    if "mailboxIds" not in patch:
        assert (await account.patch(mail_id, **also_moving) or {})["type"] == "invalidProperties"
    assert await account.mail(mail_id, "mailboxIds", "keywords") == before


def _filled(value: Any, archive: str) -> Any:
    """The value with ARCHIVE replaced by that mailbox's id."""
    match value:
        case dict():
            return {_filled(key, archive): _filled(item, archive) for key, item in value.items()}
        case list():
            return [_filled(item, archive) for item in value]
        case str():
            return value.replace("ARCHIVE", archive)
        case _:
            return value


async def test_one_refused_update_stops_no_other(account: Account) -> None:
    first, second = await account.receive(message("ann@x.example"), message("bob@x.example"))
    seen = {"keywords/$seen": True}
    wrong = {"mailboxIds/nope": True, "keywords/$flagged": True}
    done = await account.call(
        "Email/set", update={"Mnope": seen, first: wrong, second: seen}, destroy=["Mno"]
    )
    assert done["updated"] == {second: None}
    assert done["notUpdated"] == {
        "Mnope": {"type": "notFound"},
        first: {"type": "invalidProperties", "properties": ["mailboxIds"]},
    }
    assert done["notDestroyed"] == {"Mno": {"type": "notFound"}}
    assert await account.mail(first, "keywords") == {"keywords": {}}


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        ({"update": {"Mx": "patch"}}, "update/Mx"),
        ({"update": "x"}, "update"),
        ({"destroy": 5}, "destroy"),
        ({"destroy": ["Mx", 5]}, "destroy[1]"),
        ({"ifInState": 5}, "ifInState"),
        ({"foo": 1}, "foo"),
    ],
)
async def test_a_set_refuses_wrong_arguments(
    account: Account, arguments: dict[str, Any], culprit: str
) -> None:
    refused = {"type": "invalidArguments", "arguments": [culprit]}
    assert await account.refusal("Email/set", **arguments) == refused


async def test_a_state_that_moved_guards_its_own_call_only(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    seen, flagged = {"keywords/$seen": True}, {"keywords/$flagged": True}
    state = await account.state()
    answers = await account.perform(
        ("Email/set", {"ifInState": state, "update": {mail_id: seen}}),
        ("Email/set", {"ifInState": state, "update": {mail_id: {"keywords/x": True}}}),
        ("Email/set", {"update": {mail_id: flagged}}),
    )
    assert [name for name, _ in answers] == ["Email/set", "error", "Email/set"]
    assert answers[1][1] == {"type": "stateMismatch"}
    assert await account.mail(mail_id, "keywords") == {
        "keywords": {"$seen": True, "$flagged": True}
    }


async def test_the_last_mailbox_stays_on_a_mail_that_never_moved(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    inbox = (await account.mailboxes())["Inbox"]
    refused = {"type": "invalidProperties", "properties": ["mailboxIds"]}
    assert await account.patch(mail_id, **{f"mailboxIds/{inbox}": None}) == refused
    assert await account.mail(mail_id, "mailboxIds") == {"mailboxIds": {inbox: True}}


async def test_taking_the_last_mailbox_away_destroys_a_mail_that_moved(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    boxes = await account.mailboxes()
    inbox, archive = f"mailboxIds/{boxes['Inbox']}", f"mailboxIds/{boxes['Archive']}"
    await account.patch(mail_id, **{archive: True, inbox: None})
    before = await account.state()
    assert await account.patch(mail_id, **{archive: None}) is None
    answer = await account.call("Email/get", ids=[mail_id], properties=["id"])
    assert answer["notFound"] == [mail_id]
    changes = await account.call("Email/changes", sinceState=before)
    assert changes["destroyed"] == [mail_id]


async def test_a_mail_in_too_many_mailboxes(account: Account) -> None:
    (mail_id,) = await account.receive(message("ann@x.example"))
    names = {f"b{number}": {"name": f"Box {number}"} for number in range(20)}
    made = await account.call("Mailbox/set", create=names)
    patch = {f"mailboxIds/{mailbox['id']}": True for mailbox in made["created"].values()}
    assert await account.patch(mail_id, **patch) == {"type": "tooManyMailboxes"}
    patch.popitem()
    assert await account.patch(mail_id, **patch) is None


async def test_mails_are_destroyed(account: Account) -> None:
    first, second = await account.receive(message("ann@x.example"), message("bob@x.example"))
    done = await account.call("Email/set", destroy=[first, "Mnope"])
    assert (done["destroyed"], done["notDestroyed"]) == ([first], {"Mnope": {"type": "notFound"}})
    assert (await account.call("Email/query"))["ids"] == [second]


# Email/changes


async def test_changes_since_a_state(account: Account) -> None:
    old, gone = await account.receive(message("ann@x.example"), message("bob@x.example"))
    before = await account.state()
    (new,) = await account.receive(message("new@x.example"))
    (brief,) = await account.receive(message("brief@x.example"))
    await account.patch(old, **{"keywords/$seen": True})
    await account.patch(new, **{"keywords/$seen": True})
    await account.call("Email/set", destroy=[gone, brief])
    changes = await account.call("Email/changes", sinceState=before)
    assert changes.pop("newState") == await account.state()
    assert changes == {
        "oldState": before,
        "hasMoreChanges": False,
        "created": [new],
        "updated": [old],
        "destroyed": [gone],
        "accountId": account.name,
    }
    now = await account.state()
    changes = await account.call("Email/changes", sinceState=now)
    assert (changes["newState"], changes["updated"], changes["created"]) == (now, [], [])


async def test_changes_page_by_page(account: Account) -> None:
    ids = await account.receive(*[message(f"a{number}@x.example") for number in range(5)])
    seen: list[str] = []
    state, pages, has_more = "0", 0, True
    while has_more:
        changes = await account.call("Email/changes", sinceState=state, maxChanges=2)
        assert len(changes["created"]) <= 2
        seen += changes["created"]
        state, has_more = changes["newState"], changes["hasMoreChanges"]
        pages += 1
    assert (seen, state, pages) == (ids, await account.state(), 3)


async def test_a_state_from_the_future_is_answered_with_a_lower_one(account: Account) -> None:
    changes = await account.call("Email/changes", sinceState="999999")
    assert (changes["oldState"], changes["newState"]) == ("999999", await account.state())
    assert changes["created"] == changes["updated"] == changes["destroyed"] == []


@pytest.mark.parametrize("state", ["abc", "", None, 5, "-1"])
async def test_an_invalid_state_is_refused(account: Account, state: Any) -> None:
    unknown = {"type": "cannotCalculateChanges", "description": "invalid sinceState"}
    assert await account.refusal("Email/changes", sinceState=state) == unknown


@pytest.mark.parametrize("arguments", [{"maxChanges": 0}, {"maxChanges": -1}, {"foo": 1}])
async def test_changes_refuse_wrong_arguments(account: Account, arguments: dict[str, Any]) -> None:
    refused = {"type": "invalidArguments", "arguments": list(arguments)}
    assert await account.refusal("Email/changes", sinceState="0", **arguments) == refused


# Threads


async def test_an_answer_joins_the_thread(account: Account) -> None:
    first = message("ann@x.example", "Lunch")
    (first_id,) = await account.receive(first)
    (message_id,) = (await account.mail(first_id, "messageId"))["messageId"]
    answer = message("bob@x.example", "Re: Lunch", f"In-Reply-To: <{message_id}>")
    answer_id, other_id = await account.receive(answer, message("eve@x.example", "Other"))
    thread_id = (await account.mail(first_id, "threadId"))["threadId"]
    assert (await account.mail(other_id, "threadId"))["threadId"] != thread_id
    threads = await account.call("Thread/get", ids=[thread_id, "Tnope"])
    (thread,) = threads["list"]
    assert thread["id"] == thread_id
    assert set(thread["emailIds"]) == {first_id, answer_id}
    assert threads["notFound"] == ["Tnope"]
