"""Credentials: what goes into the header, and where it may go."""

import pytest
from yarl import URL

from mailroom.http import Credentials, may_carry_credentials


def test_a_token_is_sent_as_bearer() -> None:
    assert Credentials.bearer("fmu1-abc").header == "Bearer fmu1-abc"


@pytest.mark.parametrize(
    ("username", "password", "encoded"),
    [
        ("Aladdin", "open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617 section 2
        ("test", "123\u00a3", "dGVzdDoxMjPCow=="),  # RFC 7617 section 2.1: UTF-8
        ("j\u00f6", "\u20ac\U0001f511", "asO2OuKCrPCflJE="),
        ("ann", "a:b", "YW5uOmE6Yg=="),
        ("ann", "", "YW5uOg=="),
    ],
)
def test_user_and_password_are_sent_as_basic_in_utf_8(
    username: str, password: str, encoded: str
) -> None:
    assert Credentials.basic(username, password).header == f"Basic {encoded}"


@pytest.mark.parametrize(
    "credentials", [Credentials.bearer("s3cret"), Credentials.basic("ann", "s3cret")]
)
def test_credentials_do_not_show_themselves(credentials: Credentials) -> None:
    shown = f"{credentials!r} {credentials} {[credentials]}"
    assert "s3cret" not in shown
    assert credentials.header.split()[1] not in shown


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.example.com/",
        "https://mail.example.com:8443/",
        "HTTPS://mail.example.com/",
        "http://localhost/",
        "http://LOCALHOST:8080/",
        "http://127.0.0.1:9008/jmap/",
        "http://127.1.2.3/",
        "http://[::1]:9008/",
    ],
)
def test_credentials_may_go_over_https_or_stay_on_this_machine(url: str) -> None:
    assert may_carry_credentials(URL(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example.com/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://notlocalhost/",
        "http://127.0.0.1@mail.example.com/",
        "http://localhost:pw@mail.example.com/",
        "http://192.168.1.1/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://128.0.0.1/",
        "http://[::]/",
        "http://[fe80::1]/",
        "ftp://localhost/",
        "ws://localhost/",
        "file:///etc/passwd",
        "mailto:ann@localhost",
        "https:///without-host",
        "//localhost/",
        "/jmap/",
        "",
    ],
)
def test_credentials_go_nowhere_else(url: str) -> None:
    assert not may_carry_credentials(URL(url))
