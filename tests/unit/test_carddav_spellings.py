"""One thing, several spellings: each comparison with every spelling that a server may use."""

import pytest

from mailroom.contacts.address import key_of, typed_address
from mailroom.contacts.carddav.hrefs import path_key
from mailroom.contacts.carddav.resource import entity_tag
from mailroom.contacts.jscontact.fields import addresses_of as js_addresses_of
from mailroom.contacts.uid import uid_key
from mailroom.contacts.vcard.fields import addresses_of, all_addresses_of, names_of, uid_of
from mailroom.contacts.vcard.groups import (
    GroupForm,
    categories_of,
    category_key,
    is_group,
    members_of,
    with_members,
)
from mailroom.contacts.vcard.lines import VCard

UUID = "c0ffee00-0000-4000-8000-00000000000a"


def card(*lines: str) -> VCard:
    return VCard.parse("\r\n".join(["BEGIN:VCARD", *lines, "END:VCARD", ""]).encode())


@pytest.mark.parametrize(
    "spelling",
    [
        "/dav/a@x/b%20c.vcf",
        "/dav/a%40x/b%20c.vcf",
        "/dav/%61%40x/b%20c.vcf",
        "/dav//a@x///b%20c.vcf",
        "/dav/a@x/b%20c.vcf/",
        "/d%61v/a@x/b%20c%2evcf",
    ],
)
def test_a_path(spelling: str) -> None:
    assert path_key(spelling) == path_key("/dav/a@x/b%20c.vcf")


def test_other_paths() -> None:
    keys = {path_key(each) for each in ("/a/b", "/a%2Fb", "/a%2fB", "/A/b", "/a", "/a/b%3Fc")}
    assert len(keys) == 6
    assert path_key("/a%2fb") == path_key("/a%2Fb")
    assert path_key("/%C3%A4") == path_key("/%c3%a4")


@pytest.mark.parametrize(
    "spelling",
    [
        *('"1a"', 'W/"1a"', 'w/"1a"', ' "1a" ', "1a", "W/1a", "&quot;1a&quot;", '""1a""', '"1a'),
        *('"1a-gzip"', '"1a;gzip"', 'W/"1a-br"', '"1a"-gzip', "1a-gzip", '"1a:zstd"', '"1a--gzip"'),
    ],
)
def test_an_entity_tag(spelling: str) -> None:
    assert entity_tag(spelling) == '"1a"'


def test_no_entity_tag() -> None:
    assert entity_tag(" ") == ""


@pytest.mark.parametrize(
    "spelling",
    [
        "ann.b\u00fchl@b\u00fccher.example",
        "Ann.B\u00dcHL@B\u00dcCHER.example",
        "ann.bu\u0308hl@bu\u0308cher.example",
        "ann.b\u00fchl@xn--bcher-kva.example",
        "ann.b\u00fchl@XN--BCHER-KVA.example.",
        '"ann.b\u00fchl"@b\u00fccher.example',
        '"ann\\.b\u00fchl"@b\u00fccher.example',
        "<ann.b\u00fchl@b\u00fccher.example>",
        "Ann <ann.b\u00fchl@b\u00fccher.example>",
        "mailto:ann.b\u00fchl@b\u00fccher.example",
        "MAILTO:ann.b%C3%BChl%40b%C3%BCcher.example?subject=x",
        " ann.b\u00fchl@b\u00fccher.example ",
    ],
)
def test_an_address(spelling: str) -> None:
    key = "ann.b\u00fchl@xn--bcher-kva.example"
    assert key_of(spelling) == key
    assert key_of(key) == key


@pytest.mark.parametrize(
    "typed",
    [
        "ann.b\u00fchl@b\u00fccher.example (at work (mostly))",
        "(Ann) ann.b\u00fchl@b\u00fccher.example",
        "ann.b\u00fchl(x)@b\u00fccher.example",
        "ann.b\u00fchl @ b\u00fccher.example",
        "ann.b\u00fchl@b\u00fccher.example,",
        "ann.b\u00fchl@b\u00fccher.example; ",
        "\u200bann.b\u00fchl@b\u00fccher.example\u200b",
        "\ufeff\u202aann.b\u00fchl@b\u00fccher.example\u202c",
        "'ann.b\u00fchl@b\u00fccher.example'",
        '"ann.b\u00fchl@b\u00fccher.example"',
        "<<ann.b\u00fchl@b\u00fccher.example>>",
        "<mailto:ann.b\u00fchl@b\u00fccher.example>",
        "mailto:<ann.b\u00fchl@b\u00fccher.example>",
    ],
)
def test_an_address_as_it_is_typed_into_a_card(typed: str) -> None:
    assert typed_address(typed) == "ann.b\u00fchl@b\u00fccher.example"
    assert js_addresses_of({"emails": {"1": {"address": typed}}}) == (typed_address(typed),)
    assert addresses_of(card(f"EMAIL;TYPE=home:{typed}")) == (typed_address(typed),)


@pytest.mark.parametrize(
    ("typed", "addresses"),
    [
        ("a@x.example, b@x.example", ["a@x.example", "b@x.example"]),
        ("a@x.example;b@x.example;", ["a@x.example", "b@x.example"]),
        ("A <a@x.example>, B <b@x.example>", ["a@x.example", "b@x.example"]),
        ("Lee, Ann <a@x.example>", ["a@x.example"]),
        ('"a,b"@x.example', ['"a,b"@x.example']),
        ("a@x.example,", ["a@x.example"]),
    ],
)
def test_several_addresses_that_are_typed_into_one_field(typed: str, addresses: list[str]) -> None:
    escaped = typed.replace(",", "\\,").replace(";", "\\;")
    assert list(addresses_of(card(f"EMAIL:{escaped}"))) == addresses
    assert list(js_addresses_of({"emails": {"1": {"address": typed}}})) == addresses


@pytest.mark.parametrize(
    "odd",
    ["victim@bank.example,x@evil.example", "\u200bann@x.example", "a(b)@x.example"],
)
def test_an_address_that_a_stranger_chose_is_nobody_elses(odd: str) -> None:
    """On a card that Mailroom made, it is what stood in From."""
    escaped = odd.replace(",", "\\,")
    marks = ("X-MAILROOM:made=0", 'JSPROP;JSPTR="name/mailroom:mark":"made=0"')
    for mark in marks:
        assert addresses_of(card(f"EMAIL:{escaped}", mark)) == (odd,)
    js = {"emails": {"1": {"address": odd}}, "name": {"mailroom:mark": "made=0"}}
    assert js_addresses_of(js) == (odd,)


def test_an_address_on_a_card_of_which_mailroom_filled_a_name_is_its_owners() -> None:
    assert addresses_of(card("EMAIL:ann@x.example (work)", "X-MAILROOM:FN=0")) == ("ann@x.example",)
    js = {"emails": {"1": {"address": "ann@x.example (work)"}}, "name": {"mailroom:mark": "full=0"}}
    assert js_addresses_of(js) == ("ann@x.example",)


def test_other_addresses() -> None:
    assert typed_address("a>b@x.example") == "a>b@x.example"
    assert key_of('"*"@x.example') != key_of("*@x.example")
    for key in ("a(b)@x.example", "a @ b@x.example"):
        local, _, domain = key.rpartition("@")
        assert key_of(key_of(typed_address(f'"{local}"@{domain}'))) == key
    assert typed_address("'a'@x.example") == "'a'@x.example"
    assert typed_address("(((x") == "(((x"


@pytest.mark.parametrize(
    "spelling",
    [
        UUID,
        UUID.upper(),
        f"urn:uuid:{UUID}",
        f"URN:UUID:{UUID.upper()}",
        f"{{{UUID.upper()}}}",
        f"urn:uuid:{{{UUID}}}",
        f'"urn:uuid:{UUID}"',
    ],
)
def test_a_uid(spelling: str) -> None:
    assert uid_key(spelling) == UUID
    assert uid_of(card(f"UID:{spelling}")) == UUID
    group = card("X-AddressBookServer-Kind:Group", f"x-addressbookserver-member:{spelling}")
    assert is_group(group)
    assert members_of(group) == {UUID}
    assert bytes(with_members(group, join={UUID}, leave=())) == bytes(group)
    assert members_of(with_members(group, join=(), leave={UUID})) == frozenset()


def test_other_uids() -> None:
    assert len({uid_key(each) for each in ("a", "A", "{a}", UUID)}) == 4


@pytest.mark.parametrize(
    ("kind", "written", "line"),
    [
        ("KIND:group", "urn:uuid:X", "MEMBER:urn:uuid:X"),
        ("KIND:GROUP", "X", "MEMBER:X"),
        ("X-ADDRESSBOOKSERVER-KIND:group", "X", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:X"),
        ("X-ADDRESSBOOKSERVER-KIND:group", "URN:UUID:X", "X-ADDRESSBOOKSERVER-MEMBER:URN:UUID:X"),
    ],
)
def test_a_member_is_written_as_its_card_writes_its_uid(kind: str, written: str, line: str) -> None:
    group = with_members(card(kind), join={"X"}, leave=(), written_uid=lambda uid: written)
    assert f"\r\n{line}\r\n" in bytes(group).decode()
    assert GroupForm(line.partition(":")[0])


@pytest.mark.parametrize(
    "line",
    [
        "EMAIL:ann@x.example",
        "EMAIL;INTERNET:ann@x.example",
        "EMAIL;INTERNET;ENCODING=QUOTED-PRINTABLE:ann=40x.example",
        "item1.EMAIL;type=pref:ann@x.example",
        "email:mailto:ann@x.example",
        "EMAIL;VALUE=uri:mailto:ann%40x.example",
        "EMAIL:<ann@x.example>",
        "EMAIL:Ann <ann@x.example>",
        "EM\r\n AIL:ann@x.\r\n example",
    ],
)
def test_an_address_on_a_card(line: str) -> None:
    assert addresses_of(card(line)) == ("ann@x.example",)


@pytest.mark.parametrize(
    "lines",
    [
        b"FN:J\xc3\xb6rg M\xc3\xbcller",
        b"FN:J\xc3\r\n \xb6rg M\xc3\xbcller",
        b"fn;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg=20=\r\nM=C3=BCller",
        b"item1.FN;QUOTED-PRINTABLE:J=C3=B6rg M=C3=BCller",
        b"FN;CHARSET=ISO-8859-1:J\xf6rg M\xfcller",
        b"FN;CHARSET=Windows-1252;ENCODING=quoted-printable:J=F6rg M=FCller",
    ],
)
def test_a_name_on_a_card(lines: bytes) -> None:
    one = VCard.parse(b"BEGIN:VCARD\r\nVERSION:2.1\r\n" + lines + b"\r\nEND:VCARD\r\n")
    assert names_of(one).full == "J\u00f6rg M\u00fcller"


@pytest.mark.parametrize(
    "lines",
    [
        ["CATEGORIES:Friends,Caf\u00e9"],
        ["CATEGORIES:Friends", "categories:CAF\u00c9"],
        ["item1.CATEGORIES:a\\,b , Cafe\u0301 "],
        ["CATEGORIES;CHARSET=utf-8;ENCODING=QUOTED-PRINTABLE:x,Caf=C3=A9"],
    ],
)
def test_a_category_on_a_card(lines: list[str]) -> None:
    there = {category_key(name) for name in categories_of(card(*lines))}
    assert category_key("Caf\u00e9") in there
    assert len(there) == 2


WHOLE = "BEGIN:VCARD\r\nVERSION:2.1\r\nN:Ann\r\nEMAIL;INTERNET:ann@x.example\r\nEND:VCARD\r\n"


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "\ufeff" + WHOLE,
        WHOLE.replace("\r\n", "\r"),
        WHOLE.replace("\r\n", "\n"),
        WHOLE.removeprefix("BEGIN:VCARD\r\n"),
        WHOLE.removesuffix("END:VCARD\r\n"),
        "nonsense\r\n" + WHOLE,
        WHOLE.replace("N:Ann", "N:Ann\r\nPHOTO;ENCODING=b:" + "A" * 9999),
        WHOLE + WHOLE.replace("ann@", "bob@"),
    ],
)
def test_an_address_on_a_broken_card(text: str) -> None:
    assert "ann@x.example" in all_addresses_of(VCard.parse(text.encode()))
