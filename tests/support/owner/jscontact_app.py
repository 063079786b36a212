"""The owner's address-book app for a JMAP server (RFC 9610)."""

from collections.abc import Sequence
from typing import Any

import aiohttp
from yarl import URL

from tests.support.owner.contacts_app import Contact, ContactsApp

_USING = ["urn:ietf:params:jmap:core", "urn:ietf:params:jmap:contacts"]
_PAGE = 500
"""The number of cards that one request asks for."""
_OURS = {"full", "components", "mailroom:mark"}
"""The properties of a name that Mailroom writes."""

Card = dict[str, Any]


class JsContactApp(ContactsApp):
    """Speaks plain JMAP."""

    def __init__(self, session: aiohttp.ClientSession, url: URL, user: str, password: str) -> None:
        self._session = session
        self._url = url
        self._auth = {"Authorization": aiohttp.encode_basic_auth(user, password)}

    async def change(self, **arguments: Any) -> dict[str, Any]:
        """Carry out a ContactCard/set, and check that nothing was refused."""
        result = await self._call("ContactCard/set", arguments)
        assert not any(result.get(f"not{what}") for what in ("Created", "Updated", "Destroyed"))
        return result

    async def get(self, uid: str) -> Card:
        """Return the card with a uid; the uid is also its id."""
        answer = await self._call("ContactCard/get", {"ids": [uid]})
        card: Card = answer["list"][0]
        return card

    async def cards(self) -> list[Card]:
        """Return all cards, including groups."""
        ids = (await self._call("ContactCard/query", {}))["ids"]
        cards: list[Card] = []
        for start in range(0, len(ids), _PAGE):
            page = {"ids": ids[start : start + _PAGE]}
            cards += (await self._call("ContactCard/get", page))["list"]
        return cards

    async def _call(self, method: str, arguments: Card) -> dict[str, Any]:
        body = {"using": _USING, "methodCalls": [[method, arguments, "0"]]}
        async with self._session.post(self._url, json=body, headers=self._auth) as response:
            ((name, result, _),) = (await response.json())["methodResponses"]
        assert name == method, result
        answer: dict[str, Any] = result
        return answer

    async def contacts(self) -> list[Contact]:
        return [_contact(card) for card in await self.cards() if card.get("kind") != "group"]

    async def groups(self) -> dict[str, set[str]]:
        return {
            card["name"]["full"]: {*card["members"]}
            for card in await self.cards()
            if card.get("kind") == "group" and card.get("name")
        }

    async def add_contact(self, contact: Contact) -> None:
        first, *more = contact.addresses
        parts = {"given": contact.given, "surname": contact.surname}
        components = [{"kind": kind, "value": value} for kind, value in parts.items() if value]
        card = {
            "@type": "Card",
            "version": "1.0",
            "uid": contact.uid,
            "name": {"full": contact.full, "sortAs": {"surname": "x"}, "example.com:x": [1]},
            "emails": {
                "e1": {"address": first, "contexts": {"work": True}, "pref": 1},
                **{f"more{at}": {"address": address} for at, address in enumerate(more)},
            },
            "nicknames": {"k": {"name": "Fuzzy, the Bear"}},
            "links": {"l": {"uri": "https://x.example/a,b;c?d=e"}},
            "keywords": {"vip": True},
            "notes": {"n": {"note": "\n".join(contact.note)}},
        }
        if components:
            card["name"] = {"full": contact.full, "components": components, "example.com:x": [1]}
        await self.change(create={"a": card})

    async def add_group(self, uid: str, name: str, members: Sequence[str] = ()) -> None:
        group = {
            "@type": "Card",
            "version": "1.0",
            "uid": uid,
            "kind": "group",
            "name": {"full": name, "example.com:x": [1]},
            "members": dict.fromkeys(members, True),
            "notes": {"n": {"note": "What I read on Sundays"}},
        }
        await self.change(create={"a": group})

    async def add_odd_cards(self) -> list[str]:
        cards: list[Card] = [
            {"name": {}},
            {"name": {"components": [{"kind": "surname2", "value": "O"}]}},
            {"emails": {"e": {"address": ""}}},
            {"emails": {}, "notes": {}, "organizations": {}},
            {"organizations": {"o": {"units": [{"name": "Hall 3"}]}}},
            {"kind": "group"},
            {"kind": "group", "name": {"full": ""}},
            {"kind": "location", "name": {"full": "Feed"}},
        ]
        odd = {
            f"odd{at}": {"@type": "Card", "version": "1.0", "uid": f"odd{at}", **card}
            for at, card in enumerate(cards)
        }
        result = await self._call("ContactCard/set", {"create": odd})
        return [*result["created"]]

    async def add_phone(self, uid: str) -> None:
        await self.change(update={uid: {"phones": {"p": {"number": "1"}}}})

    async def rename_organization(self, uid: str, name: str) -> None:
        ((key, _),) = (await self.get(uid))["organizations"].items()
        await self.change(update={uid: {f"organizations/{key}/name": name}})

    async def change_address(self, uid: str, address: str) -> None:
        first = min((await self.get(uid))["emails"])
        await self.change(update={uid: {f"emails/{first}/address": address}})

    async def rename_group(self, group: str, name: str) -> None:
        await self._edit_group(group, {"name/full": name})

    async def join(self, group: str, uid: str) -> None:
        await self._edit_group(group, {f"members/{uid}": True})

    async def leave(self, group: str, uid: str) -> None:
        await self._edit_group(group, {f"members/{uid}": None})

    async def _edit_group(self, group: str, patch: Card) -> None:
        (card_id,) = [
            card["id"]
            for card in await self.cards()
            if card.get("kind") == "group" and card.get("name", {}).get("full") == group
        ]
        await self.change(update={card_id: patch})

    async def delete(self, uid: str) -> None:
        await self.change(destroy=[uid])

    async def everything_on(self, uid: str) -> Any:
        card = await self.get(uid)
        # An empty map means the same as no map.
        return {name: value for name, value in card.items() if value and name != "updated"}

    async def rest_of(self, uid: str) -> Any:
        card = await self.everything_on(uid)
        name = {key: value for key, value in card.pop("name", {}).items() if key not in _OURS}
        return {**card, "name": name, "organizations": None, "notes": None}


def _contact(card: Card) -> Contact:
    name = card.get("name", {})
    parts = {part["kind"]: part["value"] for part in name.get("components", ())}
    organizations = [
        organization.get("name", "") for organization in card.get("organizations", {}).values()
    ]
    notes = [note["note"] for note in card.get("notes", {}).values()]
    return Contact(
        uid=card["uid"],
        full=name.get("full", ""),
        given=parts.get("given", ""),
        surname=parts.get("surname", ""),
        organization=next(iter(organizations), ""),
        addresses=tuple(email["address"] for email in card.get("emails", {}).values()),
        note=tuple(line for note in notes for line in note.split("\n")),
    )
