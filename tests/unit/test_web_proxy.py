"""Users that a proxy in front of the page names, and the addresses of its clients."""

from ipaddress import ip_network

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from mailroom.web.authentication import Authenticator, WaitError
from mailroom.web.options import Access, PageOptions
from tests.support.page.account import ScriptedAccount
from tests.support.page.visitor import PASSWORD, visiting

NETWORKS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
PROXY = PageOptions(proxy_header="Remote-User", trusted_networks=NETWORKS)
ANNA = Access(ScriptedAccount("anna"), proxy_user="anna@example")
BEN = Access(ScriptedAccount("ben"), proxy_user="ben@example", password=PASSWORD)
ONE = Access(ScriptedAccount())


def request(remote: str, *headers: tuple[str, str]) -> web.Request:
    """Return a request as it comes from an address."""
    return make_mocked_request("GET", "/", CIMultiDict(headers)).clone(remote=remote)


def user(name: str) -> tuple[str, str]:
    return ("Remote-User", name)


@pytest.mark.parametrize(
    ("remote", "found"),
    [
        ("10.1.2.3", BEN),
        ("::ffff:10.1.2.3", BEN),
        ("fd00::1", BEN),
        ("fd00::1%eth0", BEN),
        ("11.0.0.1", None),
        ("127.0.0.1", None),
        ("::1", None),
        ("fe80::1", None),
        ("::ffff:11.0.0.1", None),
        ("::10.1.2.3", None),
        ("", None),
        ("nonsense", None),
    ],
)
def test_the_header_is_believed_from_the_proxy_alone(remote: str, found: Access | None) -> None:
    authenticator = Authenticator([ANNA, BEN], PROXY)
    assert authenticator.access_of(request(remote, user("ben@example"))) is found


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("",),
        ("eve@example",),
        ("ANNA@EXAMPLE",),
        ("anna@example, eve@example",),
        ("anna@example", "eve@example"),
        ("anna@example", "anna@example"),
        ("anna@example\x00",),
    ],
)
def test_users_who_may_see_no_account(names: tuple[str, ...]) -> None:
    sent = request("10.0.0.1", *map(user, names))
    assert Authenticator([ANNA, BEN], PROXY).access_of(sent) is None
    assert Authenticator([ANNA], PROXY).access_of(sent) is None


def test_any_user_may_see_a_single_account_without_a_user() -> None:
    authenticator = Authenticator([ONE], PROXY)
    assert authenticator.access_of(request("10.0.0.1", user("eve"))) is ONE
    assert authenticator.access_of(request("10.0.0.1", user(""))) is None
    assert authenticator.access_of(request("10.0.0.1")) is None
    assert authenticator.access_of(request("11.0.0.1", user("eve"))) is None
    of_several = Access(ScriptedAccount("cleo"))
    assert (
        Authenticator([ANNA, of_several], PROXY).access_of(request("10.0.0.1", user("eve"))) is None
    )


def test_other_headers_name_nobody() -> None:
    authenticator = Authenticator([ONE], PROXY)
    for header in ("Remote_User", "X-Remote-User", "X-Forwarded-User", "Authorization"):
        assert authenticator.access_of(request("10.0.0.1", (header, "anna@example"))) is None
    without = Authenticator([ONE], PageOptions(trusted_networks=NETWORKS))
    assert without.access_of(request("10.0.0.1", user("anna"), ("", "anna"))) is None


async def test_the_page_of_a_proxy_has_no_form_for_a_password() -> None:
    options = PageOptions(proxy_header="Remote-User", trusted_networks=(ip_network("127.0.0.0/8"),))
    async with visiting(ANNA, options=options) as visitor:
        response = await visitor.get("/")
        assert response.headers["Location"] == "/sign-in?return_to=/"
        assert (await visitor.get("/sign-in")).status == 403
        assert visitor.shown["template"] == "error.html"
        response = await visitor.get("/?all", Remote_User="anna@example")
        assert (response.status, visitor.shown["page"].can_sign_out) == (200, False)
        assert (await visitor.get("/?all", Remote_User="eve@example")).status == 303
        # Programs send their token; the user whom a proxy names is none.
        assert (await visitor.get("/api/waiting", Remote_User="anna@example")).status == 401


def tries(authenticator: Authenticator, remote: str, *headers: tuple[str, str]) -> bool:
    """Return True if a wrong password of an address was looked at."""
    try:
        authenticator.sign_in(request(remote, *headers), "", "guess")
    except WaitError:
        return False
    return True


def hop(*addresses: str) -> tuple[str, str]:
    return ("X-Forwarded-For", ", ".join(addresses))


def test_wrong_passwords_count_for_the_client_of_the_proxy() -> None:
    authenticator = Authenticator([BEN], PROXY)
    looked_at = [tries(authenticator, "10.0.0.1", hop("203.0.113.9")) for _ in range(5)]
    assert looked_at == [True, True, True, False, False]
    assert tries(authenticator, "10.0.0.1", hop("203.0.113.8"))
    assert tries(authenticator, "10.0.0.1")
    # A client may write into the header, too; the proxy adds to its end, or adds a header.
    assert not tries(authenticator, "10.0.0.1", hop("198.51.100.1", "203.0.113.9"))
    assert not tries(authenticator, "10.0.0.1", hop("198.51.100.2"), hop("203.0.113.9"))


def test_a_hop_that_is_no_address_is_that_of_the_proxy() -> None:
    authenticator = Authenticator([BEN], PROXY)
    hops = ("unknown", "203.0.113.9, x", "\x1b[31m", "x" * 5000, ",")
    looked_at = [tries(authenticator, "10.0.0.1", hop(text)) for text in hops]
    assert looked_at == [True, True, True, False, False]
    assert not tries(authenticator, "10.0.0.1")


def test_an_address_that_somebody_else_names_does_not_count() -> None:
    authenticator = Authenticator([BEN], PROXY)
    looked_at = [tries(authenticator, "203.0.113.9", hop(f"198.51.100.{n}")) for n in range(5)]
    assert looked_at == [True, True, True, False, False]


def test_a_customer_of_a_provider_has_one_count() -> None:
    authenticator = Authenticator([BEN], PageOptions())
    looked_at = [tries(authenticator, f"2001:db8:1:2::{n:x}") for n in range(5)]
    assert looked_at == [True, True, True, False, False]
    assert tries(authenticator, "2001:db8:1:3::1")
    assert [tries(authenticator, ip) for ip in ("192.0.2.1", "::ffff:192.0.2.1") * 2] == [
        True,
        True,
        True,
        False,
    ]
