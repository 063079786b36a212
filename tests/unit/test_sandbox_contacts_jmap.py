"""The sandbox's contacts over JMAP, where the recordings say nothing."""

from typing import Any

import pytest

from mailroom.sandbox.contacts import Contacts
from mailroom.sandbox.contacts.plugin import CAPABILITY
from mailroom.sandbox.dispatch import CORE
from mailroom.sandbox.quirks import STALWART_LIMITS, Limits, Quirks
from mailroom.sandbox.sandbox_account import SandboxAccount, User

ANN = {
    "@type": "Card",
    "version": "1.0",
    "uid": "ann",
    "name": {"full": "Ann Example", "components": [{"kind": "given", "value": "Ann"}]},
    "emails": {"e": {"address": "ann@x.example"}},
    "example.com:x": {"y": 1},
}


class Asker:
    """Calls methods on an account with one card, Ann's."""

    def __init__(self, quirks: Quirks | None = None) -> None:
        self.account = SandboxAccount(User(), quirks or Quirks(), [Contacts], lambda: 0.0)
        self("ContactCard/set", create={"a": ANN})

    def __call__(self, method: str, **arguments: Any) -> Any:
        ((name, result, _),) = self.all([method, arguments, "0"])
        assert name in {method, "error"}
        return result

    def all(self, *calls: list[Any]) -> Any:
        request = {"using": [CORE, CAPABILITY], "methodCalls": [*calls]}
        return self.account.dispatcher.perform(request)["methodResponses"]

    def get(self, **arguments: Any) -> Any:
        return self("ContactCard/get", **arguments)["list"]

    def create(self, **facts: Any) -> Any:
        """The SetError; None if a card of these facts is made."""
        card = {"@type": "Card", "version": "1.0", **facts}
        return (self("ContactCard/set", create={"n": card})["notCreated"] or {}).get("n")

    def update(self, **patch: Any) -> Any:
        """The SetError; None if Ann's card was patched."""
        return (self("ContactCard/set", update={"ann": patch})["notUpdated"] or {}).get("ann")


@pytest.fixture
def ask() -> Asker:
    return Asker()


def test_a_vendor_s_property_is_kept_and_shown_to_who_asks_for_it(ask: Asker) -> None:
    assert "example.com:x" not in ask.get()[0]
    (card,) = ask.get(properties=["example.com:x"])
    assert card["example.com:x"] == {"y": 1}


def test_one_inside_a_name_is_shown_to_everybody(ask: Asker) -> None:
    assert ask.update(**{"name/example.com:z": "z"}) is None
    assert ask.get()[0]["name"]["example.com:z"] == "z"


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ({"uid": 5}, ["uid"]),
        ({"name": {}}, ["name/full"]),
        ({"name": "Ann"}, ["name"]),
        ({"name": {"full": 5}}, ["name/full"]),
        ({"name": {"full": "x", "components": [{"kind": "given"}]}}, ["name/components"]),
        ({"name": {"components": []}}, ["name/full", "name/components"]),
        ({"emails": []}, ["emails"]),
        ({"emails": {"e": 1}}, ["emails/e"]),
        ({"notes": {"n": {"note": 5}}}, ["notes/n/note"]),
        ({"organizations": {"o": {"name": 5}}}, ["organizations/o/name"]),
        ({"keywords": {"k": 1}}, ["keywords/k/k"]),
        ({"members": {"x": True}}, ["members"]),
        ({"members": [], "kind": "group"}, ["members"]),
        ({"addressBookIds": {}}, ["addressBookIds"]),
        ({"addressBookIds": {"#none": True}}, ["addressBookIds"]),
        ({"wibble": 1, ":x": 1, "x:": 1}, ["wibble", ":x", "x:"]),
    ],
)
def test_what_is_no_card_is_refused(ask: Asker, facts: Any, wrong: list[str]) -> None:
    assert ask.create(**facts) == {"type": "invalidProperties", "properties": wrong}


def test_organizations_of_units_alone_and_groups_of_nobody_are_cards(ask: Asker) -> None:
    assert ask.create(organizations={"o": {"units": [{"name": "Sales"}]}}) is None
    assert ask.create(kind="group", uid="g") is None
    assert ask.get(ids=["g"])[0]["members"] == {}


def test_a_patch_makes_no_card_of_what_is_none(ask: Asker) -> None:
    assert ask.update(version="2.0") == {"type": "invalidProperties", "properties": ["version"]}
    assert ask.update(**{"name/full": 5, "name/components": None}) == {
        "type": "invalidProperties",
        "properties": ["name/full"],
    }
    assert ask.get(properties=["name"])[0]["name"] == ANN["name"]


def test_a_condition_s_words_may_stand_anywhere(ask: Asker) -> None:
    def found(**condition: Any) -> Any:
        return ask("ContactCard/query", filter=condition)["ids"]

    assert found(email="x@ann.example") == ["ann"]
    assert found(**{"name/given": "ann"}) == ["ann"]
    assert found(**{"name/given": "example"}) == []
    assert found(name="EXAMPLE ann") == ["ann"]
    assert found(note="x") == []
    assert found(inAddressBook="Default", uid="ann") == ["ann"]
    assert found(inAddressBook="Default", uid="bob") == []


@pytest.mark.parametrize("name", ["text", "phone", "createdAfter"])
def test_what_is_not_known_here_is_said_to_be_so(ask: Asker, name: str) -> None:
    answer = ask("ContactCard/query", filter={name: "x"})
    assert answer["type"] == "unsupportedFilter"


@pytest.mark.parametrize(
    ("value", "culprit"),
    [
        (5, "filter"),
        ({"bogus": "x"}, "filter/bogus"),
        ({"name/title": "x"}, "filter/name/title"),
        ({"operator": "XOR", "conditions": []}, "filter/operator"),
        ({"operator": "OR"}, "filter/conditions"),
        ({"operator": "OR", "conditions": [{"kind": 1}]}, "filter/conditions[0]/kind"),
        ({"operator": "NOT", "conditions": [1]}, "filter/conditions[0]"),
    ],
)
def test_what_is_no_filter_is_refused(ask: Asker, value: Any, culprit: str) -> None:
    answer = ask("ContactCard/query", filter=value)
    assert answer == {"type": "invalidArguments", "arguments": [culprit]}


def test_not_over_kind_is_refused_at_any_depth(ask: Asker) -> None:
    inner = {"operator": "OR", "conditions": [{"kind": "group"}]}
    answer = ask("ContactCard/query", filter={"operator": "NOT", "conditions": [inner]})
    assert answer["type"] == "unsupportedFilter"


def test_sorting_by_uid(ask: Asker) -> None:
    ask.create(uid="bob")
    for is_ascending, ids in ((True, ["ann", "bob"]), (False, ["bob", "ann"])):
        sort = [{"property": "uid", "isAscending": is_ascending}]
        assert ask("ContactCard/query", sort=sort)["ids"] == ids
    assert ask("ContactCard/query", sort=[5])["type"] == "invalidArguments"


def test_a_server_that_gives_few_at_a_time_says_so() -> None:
    ask = Asker(Quirks(limits=Limits(max_query=1)))
    ask.create(uid="bob")
    answer = ask("ContactCard/query", limit=5)
    assert (answer["ids"], answer["limit"], answer["total"]) == (["bob"], 1, 2)
    assert ask("ContactCard/query", position=-1)["ids"] == ["ann"]
    assert "limit" not in ask("ContactCard/query", limit=1)


def test_more_than_may_be_got_at_once_is_refused() -> None:
    few = Limits(max_objects_in_get=1, max_objects_in_set=1)
    ask = Asker(Quirks(limits=few))
    ask.create(uid="bob")
    assert ask("ContactCard/get", ids=None)["type"] == "requestTooLarge"
    assert ask("ContactCard/set", destroy=["ann", "bob"])["type"] == "requestTooLarge"


def test_throttled_writes_are_refused_one_by_one() -> None:
    ask = Asker(Quirks(limits=STALWART_LIMITS, throttle_every=2))
    assert ask.update(**{"name/full": "x"}) == {"type": "rateLimit"}
    assert ask.update(**{"name/full": "x"}) is None
    answer = ask("ContactCard/set", destroy=["ann"])
    assert answer["notDestroyed"] == {"ann": {"type": "rateLimit"}}


def test_an_address_book_s_life(ask: Asker) -> None:
    since = ask("AddressBook/get")["state"]
    answer = ask("AddressBook/set", create={"b": {"name": "Second"}, "c": {"name": ""}})
    assert answer["notCreated"] == {"c": {"type": "invalidProperties", "properties": ["name"]}}
    book_id = answer["created"]["b"]["id"]
    ask.create(uid="bob", addressBookIds={book_id: True})
    bad: Any = {book_id: {"shareWith": {}}, "none": {}}
    answer = ask("AddressBook/set", update=bad, destroy=["none", book_id])
    assert answer["notUpdated"] == {
        book_id: {"type": "invalidProperties", "properties": ["shareWith"]},
        "none": {"type": "notFound"},
    }
    assert answer["notDestroyed"] == {
        "none": {"type": "notFound"},
        book_id: {"type": "addressBookHasContents"},
    }
    named = ask("AddressBook/get", ids=[book_id, "none"], properties=["name"])
    assert named["list"] == [{"id": book_id, "name": "Second"}]
    assert named["notFound"] == ["none"]
    assert ask("AddressBook/changes", sinceState=since)["created"] == [book_id]
    gone = ask("AddressBook/set", destroy=[book_id], onDestroyRemoveContents=True)
    assert gone["destroyed"] == [book_id]
    assert [card["uid"] for card in ask.get()] == ["ann"]


def test_every_change_is_pushed_with_one_state(ask: Asker) -> None:
    before = ask.account.states.highest
    ask.update(**{"name/full": "Anna"})
    moved = ask.account.states.since(before)
    assert moved.keys() == {"ContactCard", "AddressBook"}
    assert len(set(moved.values())) == 1


def test_queries_never_tell_their_changes(ask: Asker) -> None:
    for arguments in ({}, {"filter": {"kind": "group"}}):
        answer = ask("ContactCard/queryChanges", sinceQueryState="1", **arguments)
        assert answer == {"type": "cannotCalculateChanges"}


def test_what_an_account_without_contacts_offers() -> None:
    account = SandboxAccount(User(), Quirks(contacts=False), [Contacts], lambda: 0.0)
    assert CAPABILITY not in account.capabilities()
    offered = Asker().account
    assert offered.capabilities()[CAPABILITY] == {}
    assert offered.account_capabilities()[CAPABILITY]["maxAddressBooksPerCard"] == 1
