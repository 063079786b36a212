"""Subjects of decisions, as people name them, and the cards that stand for them."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mailroom.contacts.address import key_of, list_id_of, list_key
from mailroom.contacts.index import IndexBuilder
from mailroom.contacts.uid import is_of_list, uid_for
from mailroom.screener.model.lists import list_id
from mailroom.screener.model.sender import is_address
from mailroom.screener.model.subject import Kind, Subject

LIST = Subject.of_list("dev.lists.example")


@pytest.mark.parametrize(
    ("text", "kind", "written"),
    [
        ("Ann@Home.example", Kind.ADDRESS, "ann@home.example"),
        ("Ann <ann@home.example>", Kind.ADDRESS, "ann@home.example"),
        (" *@Corp.example ", Kind.DOMAIN, "*@corp.example"),
        ("*@b\u00fccher.example", Kind.DOMAIN, "*@xn--bcher-kva.example"),
        ("dev.lists.example", Kind.LIST, "dev.lists.example"),
        ("Dev <Dev.Lists.example>", Kind.LIST, "dev.lists.example"),
        ("<dev@lists.example>", Kind.LIST, "<dev@lists.example>"),
        ("Dev <Dev>", Kind.LIST, "<dev>"),
        ("<https://lists.example/dev>", Kind.LIST, "<https://lists.example/dev>"),
        ('"Ann B"@home.example', Kind.ADDRESS, '"ann b"@home.example'),
        (r'"a\"b,c"@home.example', Kind.ADDRESS, r'"a\"b,c"@home.example'),
        ('"ann"@home.example', Kind.ADDRESS, "ann@home.example"),
        ('"Weaver, Ann" <ann@home.example>', Kind.ADDRESS, "ann@home.example"),
        ("o'brien+tag@home.example", Kind.ADDRESS, "o'brien+tag@home.example"),
    ],
)
def test_a_subject_is_read_and_written(text: str, kind: Kind, written: str) -> None:
    subject = Subject.parse(text)
    assert (subject.kind, str(subject)) == (kind, written)
    assert Subject.parse(str(subject)) == subject


@given(st.text(st.sampled_from("ab.@<>'\" -_,;\u00e9e\u0301()/=+&%"), max_size=14))
@example("dev@lists.example.")
@example("dev@li\u0301sts.example")
def test_every_list_is_found_by_its_card(text: str) -> None:
    identifier = list_id(f"Phrase <{text}>")
    assume(identifier)
    subject = Subject.of_list(identifier)
    assert Subject.parse(str(subject)) == subject
    builder = IndexBuilder()
    builder.put_card("1", uid_for(subject.key), [])
    assert builder.build().ids_of([subject.key]) == {"1"}


@pytest.mark.parametrize(
    "text",
    [
        *("", "ann", "*@", "*", "a*@corp.example", "list*dev.x", "*.example", "<>", ".", "a."),
        *("ann b@home.example", "Ann ann@home.example", "a@b@home.example", "Dr. Ann Weaver"),
        *("ann@home.example,bob@home.example", "a@x.example; b@x.example", "@corp.example"),
        *("https://lists.example/dev", "ann@home\n.example", "\x1b[31m@home.example"),
    ],
)
def test_other_texts_name_no_subject(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Subject.parse(text)


@given(
    st.text(st.sampled_from("ab.\"'\\(),:;<>@[] \u200b\u00fc-+"), min_size=1, max_size=12),
    st.sampled_from(["x.example", "\u00fc.example", "[192.0.2.1]"]),
)
def test_every_sender_has_a_text_that_names_the_sender(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    assume(is_address(address) and is_address(key_of(address)))
    subject = Subject(key_of(address))
    assert Subject.parse(str(subject)) == subject


def test_the_card_of_a_list_decides_on_the_list_and_on_no_address() -> None:
    uid = uid_for(LIST.key)
    assert is_of_list(uid)
    assert not is_of_list(uid_for("dev.lists.example"))
    builder = IndexBuilder()
    builder.put_card("1", uid, ["dev@lists.example"])
    builder.put_card("2", uid_for("*@corp.example"), ["*@corp.example"])
    index = builder.build()
    assert index.uids_standing_for(LIST.key) == index.own_uids_of(LIST.key) == {uid}
    assert index.ids_of([LIST.key]) == {"1"}
    assert index.bears(uid, LIST.key)
    assert not index.knows("dev@lists.example")
    assert not index.ids_of(["dev@lists.example"])
    assert index.ids_of(["*@corp.example"]) == {"2"}


def test_no_address_has_the_key_of_a_list() -> None:
    assert list_id_of(list_key("dev.lists.example")) == "dev.lists.example"
    assert list_id_of("dev@lists.example") == list_id_of("*@lists.example") == ""
    with pytest.raises(ValueError, match="is no address"):
        Subject.parse(f"{list_key('dev')}@lists.example")
