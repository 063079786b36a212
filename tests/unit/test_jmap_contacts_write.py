"""Writing contacts over JMAP: in how many requests, and what goes wrong on the way."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from yarl import URL

from mailroom.contacts.jmap import JmapAddressBook
from mailroom.contacts.jmap.plan import edit_octets
from mailroom.contacts.model import ContactEdit, DeleteCard, UpdateCard
from mailroom.http import UnreachableError
from mailroom.jmap.methods import set_batches
from mailroom.jmap.session import Limits
from mailroom.sandbox.context import Arguments
from mailroom.sandbox.errors import MethodFailure
from mailroom.sandbox.quirks import STALWART_LIMITS, Quirks
from tests.support.domain.contact_edits import ANN, LINE, creating, noting
from tests.support.sandbox.jmap_account import Account, Hook, open_account

UUID = "c0ffee00-0000-4000-8000-00000000000a"
FEED, IMBOX = frozenset({"feed"}), frozenset({"imbox"})


@pytest.fixture
async def account() -> AsyncIterator[Account]:
    """Ann is in Imbox; Feed is empty."""
    async with open_account() as opened:
        opened.contacts.add_ann(notes={"n": {"note": "words"}})
        opened.contacts.add_group("feed")
        opened.contacts.add_group("imbox", "ann")
        await opened.read()
        opened.contacts.calls.clear()
        yield opened


def once(name: str, act: Callable[[], None]) -> Hook:
    """Do something before the first call of a method."""
    left = [act]

    def hook(called: str, _: Arguments) -> None:
        if called == name and left:
            left.pop()()

    return hook


def nth(number: int, name: str, act: Callable[[Arguments], None]) -> Hook:
    """Do something with the n-th call of a method."""
    calls: list[str] = []

    def hook(called: str, facts: Arguments) -> None:
        if called == name:
            calls.append(called)
            if len(calls) == number:
                act(facts)

    return hook


def refusing(kind: str) -> Callable[[Arguments], None]:
    def refuse(_: Arguments) -> None:
        raise MethodFailure(kind)

    return refuse


@pytest.mark.parametrize("senders", [1, 10, 60])
async def test_any_number_of_senders_takes_one_request_each_to_sync_read_and_write(
    senders: int, record_property: Callable[[str, object], None]
) -> None:
    async with open_account() as account:
        for name in ("feed", "imbox", "mailroom"):
            account.contacts.add_group(name)
        known = range(0, senders, 2)
        for number in known:
            emails = {"e": {"address": f"{number}@x.example"}}
            account.contacts.add(f"u{number}", name={"full": "x"}, emails=emails)
            account.contacts.patch("imbox", **{f"members/u{number}": True})
        await account.book.describe()  # so that the session is there
        before = account.http.requests_sent
        snapshot = await account.book.sync()
        syncing = account.http.requests_sent - before
        addresses = [f"{number}@x.example" for number in range(senders)]
        seen = await account.read(*addresses, snapshot=snapshot)
        reading = account.http.requests_sent - before - syncing
        edits = [noting(card, join=FEED, leave=IMBOX) for card in seen.cards]
        edits += [
            creating(str(number), join=frozenset({"feed", "mailroom"}))
            for number in range(1, senders, 2)
        ]
        assert await account.write(*edits) == {}
        writing = account.http.requests_sent - before - syncing - reading
        assert syncing == writing == 1
        assert reading == bool(seen.cards)
        assert len(account.contacts.members("feed")) == senders
        assert account.contacts.members("imbox") == set()
    requests = f"{syncing} request to sync, {reading} to read, {writing} to write"
    record_property("measured", f"contacts over JMAP, {senders} senders: {requests}")


async def test_undoing_takes_one_request_too(account: Account) -> None:
    assert await account.write(creating(join=FEED)) == {}
    await account.read(ANN, "new@x.example")
    before = account.http.requests_sent
    new, ann = sorted(account.seen.cards, key=lambda card: card.uid, reverse=True)
    edits = [
        ContactEdit("new", new.uid, DeleteCard(new), leave=FEED),
        ContactEdit("ann", ann.uid, UpdateCard(ann, forget=True), leave=IMBOX),
    ]
    assert await account.write(*edits) == {}
    assert account.http.requests_sent == before + 1
    assert set(account.contacts.cards.cards) == {"ann", "feed", "imbox"}
    assert account.contacts.members("feed") == account.contacts.members("imbox") == set()


async def test_cards_then_joins_then_leaves_and_only_patches(account: Account) -> None:
    state = str(account.contacts.cards.state())
    edit = noting(account.ann, join=FEED, leave=IMBOX)
    assert await account.write(edit, creating(join=FEED)) == {}
    cards, joins, leaves = account.contacts.sets()
    assert cards["update"] == {"ann": {"notes/n/note": f"words\n{LINE}"}}
    assert set(cards["create"]) == {"new"}
    assert cards["ifInState"] == state
    assert joins == {"update": {"feed": {"members/ann": True, "members/uid new": True}}}
    assert leaves == {"update": {"imbox": {"members/ann": None}}}


async def test_new_cards_alone_do_not_depend_on_what_was_seen(account: Account) -> None:
    account.contacts.patch("ann", **{"name/full": "Somebody else's change"})
    assert await account.write(creating(join=FEED)) == {}
    assert len(account.contacts.sets()) == 2
    assert "ifInState" not in account.contacts.sets()[0]


async def test_a_note_that_was_edited_in_between_keeps_the_edit(account: Account) -> None:
    account.contacts.before = once(
        "ContactCard/set", lambda: account.contacts.patch("ann", **{"notes/n/note": "new words"})
    )
    edits = noting(account.ann, join=FEED, leave=IMBOX), creating(join=FEED)
    assert await account.write(*edits) == {}
    assert account.contacts.cards.cards["ann"]["notes"]["n"] == {"note": f"new words\n{LINE}"}
    assert account.contacts.members("feed") == {"ann", "uid new"}
    assert account.contacts.members("imbox") == set()


async def test_contacts_that_never_hold_still_fail_and_stay_where_they_were(
    account: Account,
) -> None:
    def disturb(name: str, arguments: Arguments) -> None:
        if "ifInState" in arguments:
            account.contacts.patch("ann", **{"name/full": str(account.contacts.cards.state())})

    account.contacts.before = disturb
    edits = noting(account.ann, join=FEED, leave=IMBOX), creating(join=FEED)
    failures = await account.write(*edits)
    assert set(failures) == {"ann", "new"}
    assert "changed by somebody else all the time" in failures["ann"]
    assert account.contacts.members("feed") == set()
    assert account.contacts.members("imbox") == {"ann"}


async def test_a_refused_card_leaves_its_contact_in_the_groups_it_was_in(account: Account) -> None:
    account.contacts.refuse_once("ann", "rateLimit", "slowly")
    edits = noting(account.ann, join=FEED, leave=IMBOX), creating(join=FEED)
    assert await account.write(*edits) == {"ann": "card ann: rateLimit slowly"}
    assert account.contacts.members("feed") == {"uid new"}
    assert account.contacts.members("imbox") == {"ann"}


async def test_a_new_card_that_is_refused_is_in_no_group(account: Account) -> None:
    edit = creating(join=FEED)
    account.contacts.before = nth(
        1, "ContactCard/set", lambda arguments: arguments["create"]["new"].update(version="2.0")
    )
    assert await account.write(edit) == {"new": "card new: invalidProperties version"}
    assert account.contacts.members("feed") == set()


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_refused_call_fails_its_contacts_and_takes_them_back(
    account: Account, number: int
) -> None:
    account.contacts.before = nth(number, "ContactCard/set", refusing("forbidden"))
    edit = noting(account.ann, join=FEED, leave=IMBOX)
    failures = await account.write(edit)
    assert failures == {"ann": "ContactCard/set refused: forbidden"}
    rollback = account.contacts.sets()[-1]["update"]
    assert [*rollback] == ["imbox", "feed"], "a contact is in no group for a moment"
    assert account.contacts.members("feed") == set()
    assert account.contacts.members("imbox") == {"ann"}
    await account.read()
    assert await account.write(noting(account.ann, join=FEED, leave=IMBOX)) == {}
    assert account.contacts.cards.cards["ann"]["notes"]["n"] == {"note": f"words\n{LINE}"}
    assert account.contacts.members("imbox") == set()


async def test_an_edit_that_another_instance_completes_is_not_rolled_back(account: Account) -> None:
    """The other instance completes the edit after the last read, just before the rollback."""
    account.contacts.refuse_once("ann", "forbidden")
    refuse = account.contacts.before

    def complete(_: Arguments) -> None:
        account.contacts.patch("ann", **{"notes/n/note": f"words\n{LINE}"})
        account.contacts.patch("feed", **{"members/ann": True})
        account.contacts.patch("imbox", **{"members/ann": None})

    rollback = nth(4, "ContactCard/set", complete)

    def disturb(name: str, arguments: Arguments) -> None:
        refuse(name, arguments)
        rollback(name, arguments)

    account.contacts.before = disturb
    assert await account.write(noting(account.ann, join=FEED, leave=IMBOX)) == {}
    assert account.contacts.members("feed") == {"ann"}
    assert account.contacts.members("imbox") == set()


async def test_a_group_that_is_refused_is_named(account: Account) -> None:
    account.contacts.refuse_once("feed", "forbidden")
    failures = await account.write(noting(account.ann, join=FEED))
    assert failures == {"ann": "contact group Feed: forbidden"}


async def test_a_group_that_is_gone_is_named(account: Account) -> None:
    account.contacts.cards.destroy_card("feed")
    failures = await account.write(noting(account.ann, join=FEED), creating())
    assert failures == {"ann": "contact group Feed: notFound"}
    assert "uid new" in account.contacts.cards.cards


async def test_an_answer_that_was_lost_does_nothing_twice(account: Account) -> None:
    edits = noting(account.ann, join=FEED, leave=IMBOX), creating(join=FEED)
    seen = account.seen
    assert await account.write(*edits) == {}
    await account.read()
    account.seen = seen
    assert await account.write(*edits) == {}
    assert account.contacts.cards.cards["ann"]["notes"]["n"] == {"note": f"words\n{LINE}"}
    new = account.contacts.cards.cards["uid new"]
    assert new["notes"] == {"mailroom": {"note": LINE}}
    assert account.contacts.members("feed") == {"ann", "uid new"}


async def test_a_card_that_is_adopted_gets_the_note_only(account: Account) -> None:
    theirs = {"name": {"full": "Theirs"}, "emails": {"x": {"address": "NEW@x.example"}}}
    account.contacts.add("uid new", **theirs)
    assert await account.write(creating(join=FEED)) == {}
    assert account.contacts.members("feed") == {"uid new"}
    card = account.contacts.cards.cards["uid new"]
    assert {name: card[name] for name in theirs} == theirs
    assert card["notes"] == {"mailroom": {"note": LINE}}


async def test_more_uids_are_taken_than_the_server_tells_of_at_a_time() -> None:
    few = Quirks(limits=replace(STALWART_LIMITS, max_objects_in_get=3))
    async with open_account(few) as account:
        for number in range(8):
            account.contacts.add(f"uid {number}", name={"full": "Theirs"})
        assert await account.write(*(creating(str(number)) for number in range(8))) == {}
        found = await account.read(*(f"{number}@x.example" for number in range(8)))
        assert len(found.cards) == 8
        assert not {card.uid for card in found.cards} & {f"uid {number}" for number in range(8)}


async def test_who_has_a_uid_that_is_taken_may_not_be_found_out(account: Account) -> None:
    account.contacts.add("uid new", name={"full": "Theirs"})

    def refuse(name: str, arguments: Arguments) -> None:
        if name == "ContactCard/query":
            raise MethodFailure("forbidden")

    account.contacts.before = refuse
    failures = await account.write(creating(join=FEED), noting(account.ann, join=FEED))
    assert failures == {"new": "ContactCard/query refused: forbidden"}
    assert account.contacts.members("feed") == {"ann"}


async def test_uids_that_are_taken_again_and_again_are_given_up(account: Account) -> None:
    def take(name: str, arguments: Arguments) -> None:
        if name == "ContactCard/set":
            for card in arguments.get("create", {}).values():
                account.contacts.add(card["uid"], name={"full": "Other"})

    account.contacts.before = take
    failures = await account.write(creating(join=FEED))
    assert "all the time" in failures["new"]
    assert account.contacts.members("feed") == set()


async def test_members_are_known_in_whatever_way_they_are_written() -> None:
    async with open_account() as account:
        account.contacts.add_ann()
        account.contacts.add_group("feed", "urn:uuid:ann")
        account.contacts.add_group("imbox", "urn:uuid:ann", "ann")
        await account.read()
        account.contacts.calls.clear()
        edit = ContactEdit("ann", "ann", join=FEED, leave=IMBOX)
        assert await account.write(edit) == {}
        (leaves,) = account.contacts.sets()
        patch = {"members/urn:uuid:ann": None, "members/ann": None}
        assert leaves == {"update": {"imbox": patch}}
        assert account.contacts.members("feed") == {"urn:uuid:ann"}


@pytest.mark.parametrize("written", [f"urn:uuid:{UUID}", UUID.upper(), f"{{{UUID}}}", UUID])
async def test_a_member_is_written_as_its_card_writes_its_uid(written: str) -> None:
    """Servers and other programs compare the two as texts."""
    async with open_account() as account:
        account.contacts.add("ann", uid=written, emails={"e": {"address": ANN}})
        account.contacts.add_group("feed")
        account.contacts.add_group("imbox", f"urn:uuid:{UUID.upper()}")
        await account.read()
        edit = ContactEdit("ann", account.ann.uid, join=FEED, leave=IMBOX)
        assert await account.write(edit) == {}
        assert account.contacts.members("feed") == {written}
        assert account.contacts.members("imbox") == set()


async def test_a_uid_with_slashes_and_tildes_is_a_member_like_any_other() -> None:
    async with open_account() as account:
        account.contacts.add("a/b~c", emails={"e": {"address": ANN}})
        account.contacts.add_group("feed")
        account.contacts.add_group("imbox", "a/b~c")
        await account.read()
        edit = ContactEdit("ann", account.ann.uid, join=FEED, leave=IMBOX)
        assert await account.write(edit) == {}
        assert account.contacts.members("feed") == {"a/b~c"}
        assert account.contacts.members("imbox") == set()


async def test_the_first_member_of_a_group_without_any(account: Account) -> None:
    """Where the server has no ``members`` for the path of a patch to lead through."""
    del account.contacts.cards.cards["feed"]["members"]
    account.book = JmapAddressBook(account.client, "alice", annotate=True)
    await account.read()
    account.contacts.calls.clear()
    edits = ContactEdit("ann", "ann", join=FEED), creating(join=FEED)
    assert await account.write(*edits) == {}
    (cards,) = account.contacts.sets()
    assert cards["update"] == {"feed": {"members": {"ann": True, "uid new": True}}}
    assert "ifInState" in cards


async def test_an_address_book_may_be_written_without_having_been_read(account: Account) -> None:
    book = JmapAddressBook(account.client, "alice", annotate=True)
    edits = noting(account.ann, join=FEED), creating()
    assert await book.write(edits, account.seen.snapshot) == {}
    assert account.contacts.members("feed") == {"ann"}
    assert "uid new" in account.contacts.cards.cards


async def test_a_group_that_went_before_anything_was_seen_is_named(account: Account) -> None:
    book = JmapAddressBook(account.client, "alice", annotate=True)
    account.contacts.cards.destroy_card("feed")
    failures = await book.write([noting(account.ann, join=FEED)], account.seen.snapshot)
    assert str(failures["ann"]) == "contact group Feed is gone"


async def test_more_contacts_than_the_server_takes_at_once(account: Account) -> None:
    limits = replace(STALWART_LIMITS, max_objects_in_set=12)
    async with open_account(Quirks(limits=limits)) as small:
        small.contacts.add_group("feed")
        small.contacts.add_group("imbox")
        await small.read()
        edits = [creating(str(number), join=FEED) for number in range(40)]
        assert await small.write(*edits) == {}
        assert len(small.contacts.members("feed")) == 40


async def test_throttled_writes_fail_whole_and_succeed_in_the_end() -> None:
    async with open_account(Quirks(throttle_every=7)) as account:
        account.contacts.add_group("feed")
        edits = {each.key: each for each in (creating(str(n), join=FEED) for n in range(20))}
        while edits:
            await account.read()
            failures = await account.write(*edits.values())
            assert account.contacts.members("feed") <= {*account.contacts.cards.cards}, (
                "nobody is in a group without a card"
            )
            edits = {key: edits[key] for key in failures}
        assert len(account.contacts.members("feed")) == 20


async def test_a_server_that_fails_altogether_is_raised(account: Account) -> None:
    nowhere = replace(await account.client.session(), api_url=URL("http://127.0.0.1:9/"))
    account.client._session = nowhere
    with pytest.raises(UnreachableError):
        await account.write(noting(account.ann))


def test_batches_follow_the_limits() -> None:
    edits = [creating(str(number)) for number in range(10)]
    tight = Limits(max_objects_in_set=5)
    assert [len(each) for each in set_batches(edits, edit_octets, tight, besides=2)] == [3, 3, 3, 1]
    assert [len(each) for each in set_batches(edits, edit_octets, tight, besides=9)] == [1] * 10
    assert [len(each) for each in set_batches(edits, edit_octets, Limits(), besides=9)] == [10]
    small = Limits(max_size_request=20_000)
    assert [len(each) for each in set_batches(edits, edit_octets, small, besides=0)] == [2] * 5
    assert list(set_batches([], edit_octets, Limits(), besides=0)) == []


async def test_a_long_note_counts(account: Account) -> None:
    long = replace(account.ann, note="x" * 10_000)
    edits = [noting(replace(long, uid=str(number))) for number in range(3)]
    small = Limits(max_size_request=150_000)
    assert [len(each) for each in set_batches(edits, edit_octets, small, besides=0)] == [1, 1, 1]
