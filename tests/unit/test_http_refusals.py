"""Refusals: of the credentials, of a filter in between; the schemes that a server wants."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mailroom.http import (
    CredentialsRefusedError,
    IntermediaryError,
    Response,
    ServerFailureError,
    raise_for_status,
    refusal,
)
from mailroom.http.challenges import schemes

HERE = URL("https://mail.example.com/jmap/")
DAV = b'<?xml version="1.0"?><d:error xmlns:d="DAV:"><d:need-privileges/></d:error>'
PLAIN_DAV = b'<error xmlns="DAV:"><need-privileges/></error>'
PROBLEM = b'{"type": "about:blank", "title": "Forbidden", "detail": "your token may only read"}'
# Cloudflare answers programs so since 2026 where they accept JSON.
FILTER_JSON = b'{"type": "https://x/1010/", "title": "Error 1010", "cloudflare_error": true}'
PAGE = b"""<!DOCTYPE html>
<!--[if lt IE 7]> <html class="no-js ie6"> <![endif]-->
<html><head><style>body {color: red}</style><title>Access denied | mail.example.com used Cloudflare
</title></head><body><script>alert(1)</script>error code: 1010</body></html>"""


def response(status: int, body: bytes = b"", **headers: str) -> Response:
    every = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Response(status, CIMultiDictProxy(every), body, HERE)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (response(403, PROBLEM), "Forbidden: your token may only read"),
        (response(403, DAV), ""),
        (response(403, PLAIN_DAV), ""),
        (response(403, b"", WWW_Authenticate='Basic realm="x"'), ""),
        (response(401, b"Must authenticate to access the specified target"), "Must authenticate"),
        (response(401, PAGE), "Access denied"),
    ],
    ids=["problem", "DAV:error", "DAV:error without prefix", "challenge", "401", "401 page"],
)
def test_these_are_about_the_credentials(answer: Response, words: str) -> None:
    error = refusal(answer)
    assert isinstance(error, CredentialsRefusedError)
    assert words in str(error)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (PAGE, "Access denied | mail.example.com used Cloudflare"),
        (FILTER_JSON, "Error 1010"),
        (b"error code: 1010", "error code: 1010"),
        (b"<html><body>You don't have permission</body></html>", "You don't have permission"),
        (b"", ""),
        (b'{"message": "Forbidden by a rule"}', "Forbidden by a rule"),
        (b'{"error": "Access denied", "code": 1010}', "Access denied"),
    ],
    ids=["page", "JSON of a filter", "text", "mod_evasive", "nothing", "gateway", "JSON"],
)
def test_these_are_of_something_in_between(body: bytes, words: str) -> None:
    error = refusal(response(403, body))
    assert isinstance(error, IntermediaryError)
    assert words in str(error)
    assert "something in between answered 403" in str(error)


def test_the_words_of_a_page_cannot_break_a_line_of_the_log() -> None:
    body = b"<html><title>a\r\nFAKE LINE \x1b[31m &#27;[0m \xff" + b"x" * 500 + b"</title>"
    text = str(refusal(response(403, body)))
    assert text.isprintable()
    assert len(text) < 350


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (['Basic realm="a, Digest b"'], ("Basic",)),
        (['Digest realm="x", nonce="n", qop="auth", algorithm=MD5'], ("Digest",)),
        (['Digest realm="x", nonce = "n", Basic realm="x"'], ("Digest", "Basic")),
        (["Negotiate", 'Digest realm="x"'], ("Negotiate", "Digest")),
        (["NTLM, Negotiate"], ("NTLM", "Negotiate")),
        (["Negotiate YII=="], ("Negotiate",)),
        (['Bearer realm="a\\"b", error="invalid_token"'], ("Bearer",)),
        ([", ,"], ()),
        ([], ()),
    ],
)
def test_the_schemes_of_challenges(headers: list[str], expected: tuple[str, ...]) -> None:
    every = CIMultiDict([("WWW-Authenticate", header) for header in headers])
    assert schemes(CIMultiDictProxy(every)) == expected


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("Negotiate", "The server wants Negotiate; Mailroom supports Basic, Bearer and Digest"),
        ("NTLM, Negotiate", "The server wants NTLM or Negotiate"),
        ('Basic realm="x"', None),
    ],
)
def test_a_scheme_that_is_not_spoken_is_named(wanted: str, told: str | None) -> None:
    text = str(refusal(response(401, WWW_Authenticate=wanted)))
    assert (told in text) if told else "The server wants" not in text


def test_retry_after_is_measured_by_the_servers_own_clock() -> None:
    answer = response(
        503,
        Date="Wed, 25 Feb 2004 12:00:00 GMT",
        Retry_After="Wed, 25 Feb 2004 12:00:30 GMT",
    )
    with pytest.raises(ServerFailureError) as caught:
        raise_for_status(answer, expected={200})
    assert caught.value.retry_after == 30.0
