"""Credentials: what goes into the header, and where it may go."""

import pytest
from yarl import URL

from mailroom.http import (
    AllowedHosts,
    Credentials,
    ForeignHostError,
    InsecureUrlError,
    may_carry_credentials,
)


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


MAIL = URL("https://mail.example.com/jmap/session")


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.example.com/",
        "https://MAIL.example.com./jmap/",
        "https://mail.example.com:8443/",
        "https://dav.example.com/",
        "https://example.com/",
        "https://a.b.example.com/",
        "wss://push.example.com/ws",
    ],
)
def test_credentials_go_to_the_host_that_the_user_named_and_its_siblings(url: str) -> None:
    AllowedHosts(MAIL).check(URL(url))


@pytest.mark.parametrize(
    ("home", "url"),
    [
        ("https://mail.example.com/", "https://mail.example.org/"),
        ("https://mail.example.com/", "https://mail.example.com.evil.example/"),
        ("https://mail.example.com/", "https://badexample.com/"),
        ("https://mail.example.com/", "https://127.0.0.1/"),
        ("https://mail.example.com/", "http://127.0.0.1/"),
        ("https://mail.example.com/", "wss://push.example.net/"),
        ("https://ann.github.io/", "https://eve.github.io/"),
        ("https://ann.co.uk/", "https://eve.co.uk/"),
        ("https://ann.duckdns.org/", "https://eve.duckdns.org/"),
        ("https://mail.internal/", "https://other.internal/"),
        ("https://192.0.2.1/", "https://192.0.2.2/"),
        ("https://[2001:db8::1]/", "https://[2001:db8::2]/"),
        ("http://localhost:8080/", "https://mail.example.com/"),
    ],
)
def test_they_go_to_no_other_host(home: str, url: str) -> None:
    with pytest.raises(ForeignHostError) as caught:
        AllowedHosts(URL(home)).check(URL(url))
    assert str(URL(home).host) in str(caught.value)
    assert "configure" in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://mail.example.com/", "http://dav.example.com/", "ws://mail.example.com/"]
)
def test_nor_in_the_clear(url: str) -> None:
    with pytest.raises(InsecureUrlError, match="only over https"):
        AllowedHosts(MAIL).check(URL(url))


def test_in_the_clear_they_go_to_that_host_alone_if_the_user_says_so() -> None:
    allowed_hosts = AllowedHosts(URL("http://mail.example.com:8080/"), insecure=True)
    assert allowed_hosts.allows(URL("http://mail.example.com:8080/jmap/"))
    assert allowed_hosts.allows(URL("ws://mail.example.com:8080/ws"))
    assert allowed_hosts.allows(URL("https://dav.example.com/"))
    assert not allowed_hosts.allows(URL("http://dav.example.com/"))


def test_names_of_other_alphabets_are_compared_as_they_are_sent() -> None:
    allowed_hosts = AllowedHosts(URL("https://mail.bücher.example/"))
    assert allowed_hosts.allows(URL("https://mail.xn--bcher-kva.example/"))


def test_without_a_home_they_stay_on_this_machine() -> None:
    assert AllowedHosts().allows(URL("http://127.0.0.1:8080/"))
    assert not AllowedHosts().allows(URL("https://mail.example.com/"))
