"""Requests and answers as values, and where a redirect leads."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mailroom.http import (
    AllowedHosts,
    BrokenAnswerError,
    HttpRequest,
    IntermediaryError,
    RedirectError,
    Response,
)
from mailroom.http.messages import redirect_target

BASE = "https://mail.example.com/dav/a?x=1"


def response(
    status: int = 200, *, location: str | None = None, body: bytes = b"", url: str = BASE
) -> Response:
    headers = CIMultiDict({} if location is None else {"Location": location})
    return Response(status, CIMultiDictProxy(headers), body, URL(url))


def redirect_of(
    method: str, answer: Response, *, home: str = BASE, keep_origin: bool = False
) -> URL | None:
    request = HttpRequest(method, answer.url, keep_origin=keep_origin)
    return redirect_target(request, answer, AllowedHosts(URL(home)))


METHODS = ["GET", "POST", "PROPFIND", "REPORT", "PUT", "DELETE"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_same_request_is_sent_to_where_a_resource_has_moved(method: str, status: int) -> None:
    target = redirect_of(method, response(status, location="/dav/b"))
    assert target == URL("https://mail.example.com/dav/b")


def test_303_is_followed_for_get() -> None:
    target = redirect_of("GET", response(303, location="/other"))
    assert target == URL("https://mail.example.com/other")


@pytest.mark.parametrize("method", [method for method in METHODS if method != "GET"])
def test_303_does_not_make_a_write_happen_twice(method: str) -> None:
    assert redirect_of(method, response(303, location="/other")) is None


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("b", "https://mail.example.com/dav/b"),
        ("../b?y=2", "https://mail.example.com/b?y=2"),
        ("?y=2", "https://mail.example.com/dav/a?y=2"),
        ("/a%2Fb", "https://mail.example.com/a%2Fb"),
        ("https://mail.example.com/b", "https://mail.example.com/b"),
        ("https://MAIL.example.com:443/b", "https://mail.example.com:443/b"),
        ("//mail.example.com/b", "https://mail.example.com/b"),
    ],
)
def test_a_location_is_resolved_within_its_origin(location: str, target: str) -> None:
    assert redirect_of("GET", response(301, location=location)) == URL(target)


@pytest.mark.parametrize(
    "location",
    [
        "https://other.example/dav/",
        "https://mail.example.com.evil.example/dav/",
        "https://mail.example.com@evil.example/dav/",
        "http://mail.example.com/dav/",
        "http://dav.mail.example.com/dav/",
        "https://example.com.evil.example/",
        "http://mail.example.com:443/dav/",
        "//other.example/dav/",
    ],
)
def test_no_redirect_leads_to_a_host_that_nobody_named(location: str) -> None:
    with pytest.raises(RedirectError) as caught:
        redirect_of("GET", response(301, location=location))
    assert caught.value.url == URL(BASE)
    assert "credentials must not be sent there" in str(caught.value)


@pytest.mark.parametrize(
    "location",
    [
        "https://dav.mail.example.com/",
        "https://example.com/dav/",
        "https://api.example.com/dav/",
        "https://mail.example.com:8443/dav/",
    ],
)
def test_a_redirect_may_lead_to_a_sibling_over_https(location: str) -> None:
    assert redirect_of("PROPFIND", response(301, location=location)) == URL(location)


@pytest.mark.parametrize(
    "location", ["http://10.0.0.7:8080/jmap/session?x=1", "https://other.example/jmap/session?x=1"]
)
def test_a_redirect_keeps_the_origin_where_the_user_says_so(location: str) -> None:
    target = redirect_of("GET", response(307, location=location), keep_origin=True)
    assert target == URL("https://mail.example.com/jmap/session?x=1")


def test_not_even_from_one_port_of_this_machine_to_another() -> None:
    with pytest.raises(RedirectError):
        redirect_of("GET", response(301, location="http://127.0.0.1:2/", url="http://127.0.0.1:1/"))


@pytest.mark.parametrize(
    "location",
    ["mailto:ann@example.com", "http:///nowhere", "http://[::1", "https://h:99999/", "data:,x"],
)
def test_a_redirect_to_no_address_is_a_broken_answer(location: str) -> None:
    with pytest.raises(BrokenAnswerError):
        redirect_of("GET", response(302, location=location))


@pytest.mark.parametrize(
    "answer",
    [response(301), response(200, location="/b"), response(201, location="/b"), response(304)],
)
def test_what_is_no_redirect_leads_nowhere(answer: Response) -> None:
    assert redirect_of("GET", answer) is None


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, null, "\xc3\xa9"]}', {"a": [1, None, "\u00e9"]}),
        (b"\xef\xbb\xbf{}", {}),
        (b"[]", []),
    ],
)
def test_json_is_read(body: bytes, value: object) -> None:
    assert response(body=body).json() == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"a": 1',
        b'{"a": "\xff"}',
        b"[" * 100_000,
        b"1" * 10_000,
        b"{} {}",
    ],
    ids=range(7),
)
def test_what_is_no_json_is_a_broken_answer(body: bytes) -> None:
    with pytest.raises(BrokenAnswerError) as caught:
        response(body=body).json()
    assert str(caught.value).startswith("https://mail.example.com/dav/a: broken answer: not JSON")


def test_a_page_instead_of_json_is_reported_as_such() -> None:
    page = b"<html><head><title>Wi-Fi: please log in</title></head></html>"
    with pytest.raises(IntermediaryError) as caught:
        response(body=page).json()
    assert "'Wi-Fi: please log in'" in str(caught.value)


def test_a_request_does_not_show_its_body() -> None:
    assert "private" not in repr(HttpRequest("PUT", URL(BASE), data=b"private"))
