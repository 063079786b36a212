"""Groups in both forms, and who joins and leaves them."""

import pytest

from mailroom.contacts.vcard.edit import to_group
from mailroom.contacts.vcard.groups import GroupForm, form_of, is_group, members_of, with_members
from mailroom.contacts.vcard.lines import VCard


def a_card(*lines: bytes) -> bytes:
    return b"\r\n".join([b"BEGIN:VCARD", b"VERSION:3.0", b"UID:u", *lines, b"END:VCARD", b""])


APPLE = a_card(
    b"FN:Feed",
    b"X-ADDRESSBOOKSERVER-KIND:group",
    b"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:a",
    b'X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:"urn:uuid:\r\n b"',
    b"REV:1",
)
VCARD4 = a_card(b"FN:Feed", b"KIND:GROUP", b"MEMBER:URN:UUID:a", b"MEMBER:b", b"REV:1")
CONVERTED = a_card(b"FN:Feed", b"x-addressbookserver-kind:GROUP", b"x-addressbookserver-member:b")


@pytest.mark.parametrize("data", [APPLE, VCARD4])
def test_a_group_is_read_in_either_form(data: bytes) -> None:
    card = VCard.parse(data)
    assert is_group(card)
    group = to_group("/g.vcf", card)
    assert (group.id, group.uid, group.name) == ("/g.vcf", "u", "Feed")
    assert group.members == {"a", "b"}


def test_a_contact_is_no_group() -> None:
    assert not is_group(VCard.parse(a_card(b"FN:group", b"X-KIND:group")))
    assert not is_group(VCard.parse(a_card(b"X-ADDRESSBOOKSERVER-KIND:INDIVIDUAL")))


@pytest.mark.parametrize(
    ("data", "added", "removed"),
    [
        (APPLE, b"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:c\r\n", b'urn:uuid:"urn:uuid:\r\n b"'),
        (VCARD4, b"MEMBER:c\r\n", b"MEMBER:b"),
    ],
)
def test_members_join_and_leave_in_the_groups_own_form(
    data: bytes, added: bytes, removed: bytes
) -> None:
    card = with_members(VCard.parse(data), join={"a", "c"}, leave={"b", "nobody"})
    assert members_of(card) == {"a", "c"}
    line = next(line.raw for line in VCard.parse(data).lines if removed in line.raw)
    assert bytes(card) == data.replace(line, b"").replace(b"END:", added + b"END:")


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (APPLE, GroupForm.APPLE),
        (CONVERTED, GroupForm.APPLE),
        (VCARD4, GroupForm.VCARD4),
        (a_card(b"KIND:group"), GroupForm.VCARD4),
        (a_card(b"X-ADDRESSBOOKSERVER-KIND:group"), GroupForm.APPLE),
    ],
)
def test_the_form_of_a_group_is_seen(data: bytes, form: GroupForm) -> None:
    assert form_of(VCard.parse(data)) is form


def test_a_uid_with_punctuation_is_a_member_after_joining() -> None:
    card = with_members(VCard.parse(APPLE), join={"a;b,c\\d"}, leave=())
    assert "a;b,c\\d" in members_of(card)
