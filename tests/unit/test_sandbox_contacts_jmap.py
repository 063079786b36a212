"""The sandbox's contacts over JMAP, where the recordings say nothing."""

from typing import Any

import pytest

from mailroom.sandbox.dispatch import CORE
from mailroom.sandbox.quirks import STALWART_LIMITS, Limits, Quirks
from mailroom.sandbox.sandbox_account import CONTACTS, SandboxAccount, User

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
        self.account = SandboxAccount(User(), quirks or Quirks(), lambda: 0.0)
        self("ContactCard/set", create={"a": ANN})

    def __call__(self, method: str, **arguments: Any) -> Any:
        ((name, result, _),) = self.all([method, arguments, "0"])
        assert name in {method, "error"}
        return result

    def all(self, *calls: list[Any]) -> Any:
        request = {"using": [CORE, CONTACTS], "methodCalls": [*calls]}
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


def test_cards_are_found_by_uid(ask: Asker) -> None:
    def found(*uids: str) -> Any:
        conditions = [{"uid": uid} for uid in uids]
        return ask("ContactCard/query", filter={"operator": "OR", "conditions": conditions})["ids"]

    ask.create(uid="bob")
    assert found("ann", "bob", "eve") == ["bob", "ann"]
    assert found("eve") == found() == []


@pytest.mark.parametrize(
    "wanted", [{"email": "x"}, {"operator": "AND", "conditions": []}, {"operator": "OR"}]
)
def test_a_filter_that_is_not_known_here_is_refused(ask: Asker, wanted: Any) -> None:
    assert ask("ContactCard/query", filter=wanted)["type"] == "unsupportedFilter"


@pytest.mark.parametrize(
    ("value", "culprit"),
    [
        (5, "filter"),
        ({"operator": "OR", "conditions": [{"kind": 1}]}, "filter/conditions[0]/kind"),
        ({"operator": "OR", "conditions": [1]}, "filter/conditions[0]"),
    ],
)
def test_what_is_no_filter_is_refused(ask: Asker, value: Any, culprit: str) -> None:
    answer = ask("ContactCard/query", filter=value)
    assert answer == {"type": "invalidArguments", "arguments": [culprit]}


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


def test_every_change_is_pushed_with_one_state(ask: Asker) -> None:
    before = ask.account.states.highest
    ask.update(**{"name/full": "Anna"})
    moved = ask.account.states.since(before)
    assert moved.keys() == {"ContactCard", "AddressBook"}
    assert len(set(moved.values())) == 1


def test_an_account_without_contacts_offers_none() -> None:
    account = SandboxAccount(User(), Quirks(contacts=False), lambda: 0.0)
    assert CONTACTS not in account.capabilities()
    assert Asker().account.capabilities()[CONTACTS]["maxAddressBooksPerCard"] == 1
