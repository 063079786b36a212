"""Subjects of decisions, as people name them, and the cards that stand for them."""

import pytest

from mailroom.contacts.address import list_id_of, list_key
from mailroom.contacts.index import IndexBuilder
from mailroom.contacts.uid import is_of_list, uid_for
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
    ],
)
def test_a_subject_is_read_and_written(text: str, kind: Kind, written: str) -> None:
    subject = Subject.parse(text)
    assert (subject.kind, str(subject)) == (kind, written)
    assert Subject.parse(str(subject)) == subject


@pytest.mark.parametrize(
    "text", ["", "ann", "*@", "*", "a*@corp.example", "list*dev.x", "*.example"]
)
def test_other_texts_name_no_subject(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        Subject.parse(text)


def test_the_card_of_a_list_decides_on_the_list_and_on_no_address() -> None:
    uid = uid_for(LIST.key)
    assert is_of_list(uid)
    assert not is_of_list(uid_for("dev.lists.example"))
    builder = IndexBuilder()
    builder.put_card("1", uid, ["dev@lists.example"])
    builder.put_card("2", uid_for("*@corp.example"), ["*@corp.example"])
    index = builder.build()
    assert index.uids_of(LIST.key) == index.own_uids_of(LIST.key) == {uid}
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
