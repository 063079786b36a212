"""Whose word about a mail's From is taken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.screener.arrivals.authentication import fails_dmarc

OURS = "mx.example.com"
FAIL = f" {OURS}; dkim=none; dmarc=fail (p=reject) header.from=bank.example"
PASS = f" {OURS}; dkim=pass header.d=bank.example; dmarc=pass header.from=bank.example"


@pytest.mark.parametrize(
    "field",
    [
        FAIL,
        " MX.EXAMPLE.COM; dmarc=fail header.from=bank.example",
        " mx.example.com 1; dmarc=fail",
        "\r\n mx.example.com;\r\n\tspf=pass smtp.mailfrom=x.example;\r\n\tdmarc=fail\r\n (p=none)",
        " mx.example.com; x-odd=pass policy.odd=1; dmarc=fail; bimi=skipped",
        " mx.example.com; dmarc=FAIL",
        " mx.example.com (it (is) us); dmarc (we think)=fail",
        " mx.example.com; spf=pass smtp.helo=[1.2.3.4]; dmarc=fail header.from=x.example",
        " mx.example.com; spf=none smtp.mailfrom=<>; dmarc=fail header.from=x.example",
        " mx.example.com; spf=none smtp.mailfrom=a(b@x; dmarc=fail header.from=x.example",
        " mx.example.com; spf=none smtp.mailfrom=a(b@x; dmarc=fail (p=none) header.from=x.example",
        ' mx.example.com; dkim=pass reason="; dmarc=fail"',
        " mx.example.com; dmarc=fail header.from=b\u00fccher.example",
        " mx.example.com; dmarc=fail header.from=x.example;",
    ],
)
def test_our_server_says_that_it_is_forged(field: str) -> None:
    assert fails_dmarc([field], OURS)


@pytest.mark.parametrize(
    "field",
    [
        PASS,
        " mx.example.com; none",
        " mx.example.com; dmarc=none",
        " mx.example.com; dmarc=temperror",
        " mx.example.com; spf=fail; dkim=fail",
        " mx.example.com; dkim=fail (dmarc=fail); spf=pass",
        " other.example; dmarc=fail",
        " mx.example.com.evil.example; dmarc=fail",
        " sub.mx.example.com; dmarc=fail",
        "",
        " ;;; ((",
        f" {OURS}; dmarc=fail " + "(x) " * 10_000,
        " " + "(" * 5_000,
    ],
)
def test_nothing_of_that(field: str) -> None:
    assert not fails_dmarc([field], OURS)


def test_nobody_is_believed_unless_named() -> None:
    assert not fails_dmarc([FAIL], "")


def test_only_the_topmost_of_our_server_counts() -> None:
    assert not fails_dmarc([PASS, FAIL], OURS)
    assert fails_dmarc([FAIL, PASS], OURS)
    assert fails_dmarc([" other.example; dmarc=pass", FAIL, PASS], OURS)
    assert fails_dmarc([" broken ((", FAIL], OURS)


def test_any_host_of_a_domain() -> None:
    field = " phl-mx-05.messagingengine.com; dmarc=fail"
    assert fails_dmarc([field], "*.messagingengine.com")
    assert not fails_dmarc([field], "*.engine.com")
    assert not fails_dmarc([" evilmessagingengine.com; dmarc=fail"], "*.messagingengine.com")


@given(st.lists(st.text(), max_size=3))
def test_no_field_is_too_odd(fields: list[str]) -> None:
    assert not fails_dmarc(fields, OURS)


@given(st.text(alphabet='mx.example;= \r\n\t()"\\dmarcfilps1', max_size=60))
def test_no_field_of_our_server_is_too_odd(rest: str) -> None:
    assert isinstance(fails_dmarc([f" {OURS};{rest}"], OURS), bool)
