"""Paths that a visitor may be led to, and outcomes in them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from mailroom.web.context import local_path, sign_in_path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/", "/"),
        ("/decided?search=a%20b&page=2", "/decided?search=a%20b&page=2"),
        ("/decided?search=é", "/decided?search=%C3%A9"),
        ("/?page=2&done=signed", "/?page=2"),
        ("", "/"),
        ("decided", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("\\\\evil.example", "/"),
        (" //evil.example", "/"),
        ("/\u2028", "/"),
        ("/\ud800", "/"),
        ("/" + "x" * 3000, "/"),
    ],
)
def test_a_path_of_ours(text: str, path: str) -> None:
    assert local_path(text) == path


@given(st.text(alphabet="/\\.:@?#%2f&=;a \t\n\x00é[]", max_size=30))
@example("/..//evil.example")
@example("/.//evil.example")
@example("/[")
def test_no_path_leads_to_another_site(text: str) -> None:
    for shown in (local_path(text), local_path("/" + text), sign_in_path("/" + text)):
        assert shown.startswith("/")
        assert not shown.startswith(("//", "/\\"))
        assert shown.isascii()
        assert shown.isprintable()
        assert URL("https://mail.example/").join(URL(shown)).host == "mail.example"
