"""Mailing lists: the identifier and name in a List-Id, and the lists that many people write to."""

from dataclasses import replace

import pytest

from mailroom.screener.model.lists import is_discussion, list_id, list_name, posting_address
from mailroom.screener.model.sender import sender_of
from tests.support.domain.builders import mail


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("<loom.lists.example>", "loom"),
        ("< Loom.Lists.Example >", "loom"),
        ("LOOM.LISTS.EXAMPLE", "loom"),
        ("<loom.lists\r\n .example>", "loom"),
        ("<loom.lists.example", "loom"),
        ("<loom.lists.example> (weaving)", "loom"),
        ('"Weavers" <loom.lists.example>', "Weavers"),
        ("Weavers  at\twork <loom.lists.example", "Weavers at work"),
        ("<b>Weavers</b> &lt;loom.lists.example&gt;", "Weavers"),
        ('<a href="https://x.example/">Weavers</a> <loom.lists.example>', "Weavers"),
    ],
)
def test_one_list_in_several_spellings(field: str, name: str) -> None:
    assert list_id(field) == "loom.lists.example"
    assert list_name(field) == name


def test_a_list_that_is_named_by_its_address() -> None:
    field = "list Loom@lists.example; contact ann@lists.example"
    assert (list_id(field), list_name(field)) == ("loom@lists.example", "loom")


def test_no_list() -> None:
    assert (list_id(" <> "), list_name(" <> ")) == ("", "")


def test_an_identifier_is_cut_and_has_no_control_codes() -> None:
    assert list_id("<a\x00b.example>") == "ab.example"
    assert len(list_id(f"<{'a' * 300}.example>")) == 255


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("<mailto:dev@lists.example>", "dev@lists.example"),
        (
            " <MAILTO:dev@lists.example?subject=x>, <https://lists.example/post>",
            "dev@lists.example",
        ),
        (
            "<https://lists.example/post>,\r\n <mailto:dev%2Bpost@lists.example>",
            "dev+post@lists.example",
        ),
        ("NO (posting not allowed on this list)", ""),
        ("<mailto:>", ""),
        ("<mailto:*@lists.example>", ""),
        ("", ""),
    ],
)
def test_the_posting_address(field: str, address: str) -> None:
    assert posting_address(field) == address


@pytest.mark.parametrize(
    ("author", "list_field", "post", "is_one"),
    [
        ("ann@home.example", "<dev.lists.org>", "<mailto:dev@lists.org>", True),
        # Only its owner writes to an announcement list.
        ("ann@home.example", "<news.lists.org>", "NO", False),
        ("ann@home.example", "<news.lists.org>", "", False),
        # The notifications of a forge: one registrable domain.
        ("notifications@forge.dev", "<app.ann.forge.dev>", "<mailto:reply@reply.forge.dev>", False),
        # Rewritten From: the list writes its own address there.
        ("dev@lists.org", "<dev.lists.org>", "<mailto:dev@lists.org>", True),
        ("ann@home.co.uk", "<dev.other.co.uk>", "<mailto:dev@other.co.uk>", True),
        ("ann@mail.home.co.uk", "<dev.home.co.uk>", "<mailto:dev@home.co.uk>", False),
        ("ann@home.example", "list dev@lists.org", "<mailto:dev@lists.org>", True),
        ("ann@home.example", "", "<mailto:dev@lists.org>", False),
    ],
)
def test_a_list_that_many_people_write_to(
    author: str, list_field: str, post: str, *, is_one: bool
) -> None:
    post_by_author = replace(mail("Inbox", sender=author), list_id=list_field, list_post=post)
    assert is_discussion(post_by_author, sender_of(post_by_author)) is is_one
