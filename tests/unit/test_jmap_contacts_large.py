"""Cards with large pictures, which servers give as data: URIs, do not fill the memory."""

import pytest

from mailroom.contacts.jmap import calls
from tests.support.domain.contact_edits import ANN, noting
from tests.support.sandbox.jmap_account import Account, open_account

FEED = frozenset({"feed"})
ROOM = 64 * 1024


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the same happen with small pictures."""
    monkeypatch.setattr(calls, "MAX_OCTETS_OF_CARDS", ROOM)


def add(account: Account, number: int, octets: int) -> str:
    address = f"{number}@x.example"
    photo = {"@type": "Media", "kind": "photo", "uri": "data:image/jpeg;base64," + "A" * octets}
    emails = {"e": {"address": address}}
    account.contacts.add(f"c{number:02}", emails=emails, media={"p": photo})
    return address


async def test_many_cards_are_read_in_parts() -> None:
    async with open_account() as account:
        addresses = [add(account, number, ROOM // 4) for number in range(30)]
        cards = (await account.read(*addresses)).cards
        assert [card.addresses[0] for card in cards] == addresses


async def test_a_card_that_is_larger_than_an_answer_may_be_joins_a_group_as_it_is() -> None:
    async with open_account() as account:
        account.contacts.add_ann()
        account.contacts.add_group("feed")
        address = add(account, 7, 2 * ROOM)
        before = dict(account.contacts.cards.cards["c07"])
        (card,) = [each for each in (await account.read(address, ANN)).cards if each.uid == "c07"]
        assert not card.is_bare
        assert await account.write(noting(card, join=FEED)) == {}
        assert account.contacts.members("feed") == {"c07"}
        after = account.contacts.cards.cards["c07"]
        assert {name: after[name] for name in before if name != "updated"} == before


async def test_a_large_picture_on_a_card_that_mailroom_made_is_somebodys_touch() -> None:
    """So the card is not deleted when the decision is undone."""
    async with open_account() as account:
        address = add(account, 7, 2 * ROOM)
        mark = {"full": "7", "mailroom:mark": "made=0123456789abcdef"}
        account.contacts.patch("c07", name=mark)
        (card,) = (await account.read(address)).cards
        assert card.made_by_us
        assert not card.untouched
