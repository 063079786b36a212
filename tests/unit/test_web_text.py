"""Texts of strangers on the page: nothing hides, reorders or piles up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.web.text import address, clean

APPLE = "\u0430\u0440\u0440\u04cf\u0435"
"""Cyrillic letters that look like Latin ones."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann Weaver", "Ann Weaver"),
        ("  Ann\r\n\tWeaver ", "Ann Weaver"),
        ("Zo\u0308e", "Z\u00f6e"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("Pay\u200bPal", "PayPal"),
        ("Pay\ufeffPal\u00ad", "PayPal"),
        ("\x1b[31mred\x07", "[31mred"),
        ("lone \ud800 half", "lone half"),
        ("blank\u3164\u2800name", "blank name"),
        (
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
            "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        ),
        ("\u200d\u200d\u200dx\u200d\u200d\u200d", "x"),
        ("tag\U000e0041s", "tags"),
        ("<b>&amp;", "<b>&amp;"),
        ("", ""),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_long_texts_are_cut() -> None:
    assert clean("x" * 160) == "x" * 160
    assert clean("x" * 161) == "x" * 159 + "…"
    assert clean("word " * 100, 12) == "word word w…"
    assert clean("x" + " " * 1000 + "y") == "x…"
    assert len(clean("\u202e" * 10_000_000 + "x")) <= 160


def test_marks_do_not_pile_up() -> None:
    assert clean("a" + "\u0300" * 500 + "b") == "\u00e0\u0300\u0300b"


@given(st.text(max_size=400))
def test_nothing_invisible_is_left(text: str) -> None:
    shown = clean(text)
    assert len(shown) <= 160
    assert shown == shown.strip()
    shown.encode()
    for hidden in ("\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\n", "\ud800"):
        assert hidden not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ann@loom.example", "ann@loom.example"),
        ("ann@b\u00fccher.example", "ann@b\u00fccher.example (@xn--bcher-kva.example)"),
        ("*@b\u00fccher.example", "*@b\u00fccher.example (*@xn--bcher-kva.example)"),
        ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example (@b\u00fccher.example)"),
        (
            "ann@\u0440aypal.example",
            "ann@\u0440aypal.example (@xn--aypal-uye.example, Cyrillic and Latin letters)",
        ),
        (
            "ann@xn--80ak6aa92e.example",
            f"ann@xn--80ak6aa92e.example (@{APPLE}.example, Cyrillic and Latin letters)",
        ),
        ("ann@xn--fsqu00a.example", "ann@xn--fsqu00a.example (@\u4f8b\u5b50.example)"),
        ("an\u200bn@loom.example", "an\\u200bn@loom.example"),
        ("\u202eann@loom.example", "\\u202eann@loom.example"),
        ("a\u0301nn@loom.example", "a\\u0301nn@loom.example"),
        ("a\u00a0b@loom.example", "a\\xa0b@loom.example"),
        ("dev.b\u00fccher.example", "dev.b\u00fccher.example (dev.xn--bcher-kva.example)"),
        ("ann@xn--999999999.example", "ann@xn--999999999.example"),
        ("\ud800@loom.example", "\\ud800@loom.example"),
        ("ann@\u2764-.example", "ann@\u2764-.example (@\\u2764-.example)"),
        ("\x1b\xe9", "\\x1b\xe9 (\\x1b\\xe9)"),
        ("", ""),
    ],
)
def test_address(text: str, shown: str) -> None:
    assert address(text) == shown


def test_an_address_is_never_cut_where_it_can_be_valid() -> None:
    whole = "a" * 64 + "@" + "b" * 240 + ".example"
    assert address(whole) == whole
    assert address("a" * 10_000 + "@loom.example") == "a" * 320 + "…"


@given(st.text(max_size=100))
def test_any_text_can_be_an_address(text: str) -> None:
    shown = address(text)
    shown.encode()
    for hidden in ("\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\n", "\ud800"):
        assert hidden not in shown
