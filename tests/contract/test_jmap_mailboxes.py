"""Mailbox/get, Mailbox/set, Mailbox/query: the sandbox answers as Cyrus does."""

from typing import Any

import pytest

from tests.contract.servers import Account, message

ROLES = {
    "Inbox": "inbox",
    "Archive": "archive",
    "Drafts": "drafts",
    "Sent": "sent",
    "Spam": "junk",
    "Trash": "trash",
}


async def create(account: Account, **mailboxes: dict[str, Any]) -> dict[str, Any]:
    """Create mailboxes, none of which is refused; return the server's answers by creation id."""
    done = await account.call("Mailbox/set", create=mailboxes)
    assert done["notCreated"] is None
    return dict(done["created"])


async def get(account: Account, mailbox_id: str, *properties: str) -> dict[str, Any]:
    answer = await account.call("Mailbox/get", ids=[mailbox_id], properties=list(properties))
    (mailbox,) = answer["list"]
    return {name: mailbox[name] for name in properties}


async def test_a_new_account_has_mailboxes_with_roles(account: Account) -> None:
    answer = await account.call("Mailbox/get", properties=["name", "role", "parentId"])
    assert {mailbox["name"]: mailbox["role"] for mailbox in answer["list"]} == ROLES
    assert {mailbox["parentId"] for mailbox in answer["list"]} == {None}
    assert answer["state"] == await account.state()
    assert answer["notFound"] == []


async def test_counts_and_rights(account: Account) -> None:
    first, second = await account.receive(message("ann@x.example"), message("bob@x.example"))
    boxes = await account.mailboxes()
    archive = {f"mailboxIds/{boxes['Archive']}": True}
    await account.patch(first, **archive)
    await account.patch(second, **archive, **{f"mailboxIds/{boxes['Inbox']}": None})
    counts = [await get(account, boxes[name], "totalEmails") for name in ("Inbox", "Archive")]
    assert counts == [{"totalEmails": 1}, {"totalEmails": 2}]
    rights = (await get(account, boxes["Inbox"], "myRights"))["myRights"]
    assert (rights["mayAddItems"], rights["mayDelete"], rights["mayRename"]) == (True, False, False)


async def test_mailboxes_that_are_not_there(account: Account) -> None:
    inbox = (await account.mailboxes())["Inbox"]
    answer = await account.call("Mailbox/get", ids=["nope", inbox], properties=["id"])
    assert (answer["list"], answer["notFound"]) == ([{"id": inbox}], ["nope"])
    error = await account.refusal("Mailbox/get", properties=["name", "bogus"])
    assert error == {"type": "invalidArguments", "arguments": ["properties[1:bogus]"]}


async def test_mailboxes_are_made_with_their_parents(account: Account) -> None:
    child, parent = {"name": "Child", "parentId": "#p"}, {"name": "Parent", "sortOrder": 5}
    create = {"c": child, "p": {**parent, "isSubscribed": True}}
    done = await account.call("Mailbox/set", create=create)
    ids = {name: done["created"][name]["id"] for name in ("c", "p")}
    answer = await account.call("Mailbox/get", ids=[*ids.values()])
    by_id = {mailbox["id"]: mailbox for mailbox in answer["list"]}
    assert (by_id[ids["c"]]["name"], by_id[ids["c"]]["parentId"]) == ("Child", ids["p"])
    assert (by_id[ids["c"]]["sortOrder"], by_id[ids["c"]]["isSubscribed"]) == (10, False)
    assert (by_id[ids["p"]]["sortOrder"], by_id[ids["p"]]["isSubscribed"]) == (5, True)
    assert by_id[ids["p"]]["role"] is None
    assert done["created"]["c"]["totalEmails"] == 0
    assert done["newState"] != done["oldState"]


@pytest.mark.parametrize(
    ("mailbox", "properties"),
    [
        ({}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"name": "INBOX"}, ["name"]),
        ({"name": "y", "parentId": "nope"}, ["parentId"]),
        ({"name": "y", "bogus": 1}, ["bogus"]),
        ({"name": "y", "totalEmails": 1}, ["totalEmails"]),
        ({"name": "y", "role": "xyz"}, ["role"]),
        ({"name": "y", "sortOrder": -1}, ["sortOrder"]),
        ({"name": "y", "isSubscribed": 5}, ["isSubscribed"]),
    ],
)
async def test_mailboxes_that_cannot_be_made(
    account: Account, mailbox: dict[str, Any], properties: list[str]
) -> None:
    done = await account.call("Mailbox/set", create={"x": mailbox, "good": {"name": "Good"}})
    assert done["notCreated"] == {"x": {"type": "invalidProperties", "properties": properties}}
    assert list(done["created"]) == ["good"]


async def test_names(account: Account) -> None:
    names = ["@ToFeed", "A & B", "dot.name", "ä̈ café 日本", "#x", "~x", "parent", "Parent"]
    made = await create(account, **{f"n{n}": {"name": name} for n, name in enumerate(names)})
    shown = [(await get(account, mailbox["id"], "name"))["name"] for mailbox in made.values()]
    assert sorted(shown) == sorted(names)
    inside = {"name": "parent", "parentId": made["n6"]["id"]}
    assert len(await create(account, inside=inside)) == 1


async def test_a_name_is_taken_once(account: Account) -> None:
    made = await create(account, a={"name": "Taken"}, b={"name": "Free"})
    done = await account.call(
        "Mailbox/set",
        create={"c": {"name": "Taken"}},
        update={made["b"]["id"]: {"name": "Taken"}},
    )
    assert done["created"] is None
    assert done["updated"] is None
    assert set(done["notCreated"]) == {"c"}
    assert set(done["notUpdated"]) == {made["b"]["id"]}


async def test_mailboxes_are_changed(account: Account) -> None:
    made = await create(account, p={"name": "Parent"}, c={"name": "Child"})
    parent, child = made["p"]["id"], made["c"]["id"]
    done = await account.call(
        "Mailbox/set", update={child: {"name": "Kid", "parentId": parent, "sortOrder": 3}}
    )
    assert done["updated"] == {child: None}
    kid = await get(account, child, "name", "parentId", "sortOrder")
    assert kid == {"name": "Kid", "parentId": parent, "sortOrder": 3}
    again = await account.call("Mailbox/set", update={child: {"name": "Kid"}})
    assert (again["updated"], again["newState"]) == ({child: None}, again["oldState"])


@pytest.mark.parametrize(
    ("patch", "properties"),
    [
        ({"bogus": 2}, ["bogus"]),
        ({"totalEmails": 2}, ["totalEmails"]),
        ({"role": "xyz"}, ["role"]),
        ({"parentId": "nope"}, ["parentId"]),
        ({"parentId": "CHILD"}, ["parentId"]),
    ],
)
async def test_changes_to_mailboxes_that_are_refused(
    account: Account, patch: dict[str, Any], properties: list[str]
) -> None:
    made = await create(account, p={"name": "Parent"}, c={"name": "Child", "parentId": "#p"})
    parent, child = made["p"]["id"], made["c"]["id"]
    filled = {key: child if value == "CHILD" else value for key, value in patch.items()}
    done = await account.call("Mailbox/set", update={parent: filled, "nope": {"name": "x"}})
    assert done["notUpdated"] == {
        parent: {"type": "invalidProperties", "properties": properties},
        "nope": {"type": "notFound"},
    }


async def test_mailboxes_are_destroyed(account: Account) -> None:
    made = await create(account, p={"name": "Parent"}, c={"name": "Child", "parentId": "#p"})
    parent, child = made["p"]["id"], made["c"]["id"]
    kept, lost = await account.receive(message("ann@x.example"), message("bob@x.example"))
    boxes = await account.mailboxes()
    await account.patch(kept, **{f"mailboxIds/{child}": True})
    await account.patch(lost, mailboxIds={child: True})

    async def destroy(*ids: str, **more: Any) -> dict[str, Any]:
        done = await account.call("Mailbox/set", destroy=list(ids), **more)
        return {
            mailbox_id: error["type"] for mailbox_id, error in (done["notDestroyed"] or {}).items()
        }

    assert await destroy(parent) == {parent: "mailboxHasChild"}
    assert await destroy(child) == {child: "mailboxHasEmail"}
    assert await destroy(boxes["Inbox"], "nope") == {
        boxes["Inbox"]: "forbidden",
        "nope": "notFound",
    }
    assert await destroy(child, onDestroyRemoveEmails=True) == {}
    assert await destroy(parent, boxes["Trash"]) == {}
    assert set(await account.mailboxes()) == set(ROLES) - {"Trash"}
    assert (await account.call("Email/query"))["ids"] == [kept]
    assert await account.mail(kept, "mailboxIds") == {"mailboxIds": {boxes["Inbox"]: True}}


async def test_a_mailbox_state_guards_its_call(account: Account) -> None:
    error = await account.refusal("Mailbox/set", ifInState="1", create={"x": {"name": "x"}})
    assert error == {"type": "stateMismatch"}
    assert "x" not in await account.mailboxes()


async def test_all_mailboxes_are_found(account: Account) -> None:
    await create(account, p={"name": "Parent"}, c={"name": "Child", "parentId": "#p"})
    boxes = await account.mailboxes()
    whole = await account.call("Mailbox/query")
    assert (set(whole["ids"]), whole["total"]) == (set(boxes.values()), len(boxes))
    page = await account.call("Mailbox/query", position=2)
    assert (page["ids"], page["position"]) == (whole["ids"][2:], 2)
