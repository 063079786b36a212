"""Requests that reach a server: what is sent, what its answer means, where redirects lead."""

import gzip
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from mailroom.http import (
    AnswerTooLargeError,
    BrokenAnswerError,
    Credentials,
    CredentialsRefusedError,
    HttpClient,
    HttpError,
    HttpRequest,
    InsecureUrlError,
    RedirectError,
    Response,
    ServerFailureError,
    UnexpectedStatusError,
    UnreachableError,
)
from mailroom.http.wire import translate
from tests.support.scripted.http import TOKEN, ScriptedServer, answer, http_client, redirect


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with http_client() as client:
        yield client


async def test_a_request_arrives_as_it_was_made(http: HttpClient) -> None:
    async with ScriptedServer.running(answer(200, "done", {"X-A": "b"})) as server:
        response = await http.request(
            "REPORT", server.url / "x", headers={"Depth": "1"}, data="\u00e9".encode()
        )
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("REPORT", "/start/x", b"\xc3\xa9")
    assert seen.headers["Depth"] == "1"
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert (response.status, response.body, response.url) == (200, b"done", server.url / "x")
    assert response.headers["x-a"] == "b"


async def test_the_path_is_sent_as_it_is_written(http: HttpClient) -> None:
    async with ScriptedServer.running(answer()) as server:
        url = URL(
            str(server.url.origin()) + "/dav/a%2Fb%40c/caf%C3%A9.vcf?types=a%2Cb", encoded=True
        )
        await http.request("GET", url)
    assert server.seen[0].path == "/dav/a%2Fb%40c/caf%C3%A9.vcf?types=a%2Cb"


async def test_other_credentials_in_the_url_are_left_out(http: HttpClient) -> None:
    async with ScriptedServer.running(answer()) as server:
        await http.request("GET", server.url.with_user("eve").with_password("other"))
    assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_cookie_is_not_kept(http: HttpClient) -> None:
    async with ScriptedServer.running(answer(headers={"Set-Cookie": "a=b"})) as server:
        await http.request("GET", server.url)
        await http.request("GET", server.url)
    assert "Cookie" not in server.seen[1].headers


@pytest.mark.parametrize("url", ["http://mail.example.com/", "https:///", "ftp://localhost/", "/x"])
async def test_nothing_is_sent_where_credentials_must_not_go(http: HttpClient, url: str) -> None:
    with pytest.raises(InsecureUrlError) as caught:
        await http.request("GET", URL(url))
    assert "only over https" in str(caught.value)
    assert http.requests_sent == 0


@pytest.mark.parametrize("status", [207, 404, 412, 500])
async def test_an_expected_status_is_an_answer(http: HttpClient, status: int) -> None:
    async with ScriptedServer.running(answer(status, "body")) as server:
        response = await http.request("GET", server.url, expected=(200, status))
    assert (response.status, response.body) == (status, b"body")


OF_JMAP = '{"type": "about:blank", "title": "Forbidden", "detail": "no mail for you"}'
OF_DAV = '<?xml version="1.0"?><d:error xmlns:d="DAV:"><d:need-privileges/></d:error>'


@pytest.mark.parametrize(("status", "body"), [(401, ""), (403, OF_JMAP), (403, OF_DAV)])
async def test_refused_credentials_are_told_apart_and_asked_once(
    http: HttpClient, status: int, body: str
) -> None:
    async with ScriptedServer.running(answer(status, body)) as server:
        with pytest.raises(CredentialsRefusedError) as caught:
            await http.request("GET", server.url)
    assert caught.value.status == status
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [204, 304, 400, 404, 409, 410, 412, 413, 415, 501, 505, 507])
async def test_any_other_status_is_reported_with_what_the_server_says(
    http: HttpClient, status: int
) -> None:
    body = "" if status in {204, 304} else "because"
    async with ScriptedServer.running(answer(status, body)) as server:
        with pytest.raises(UnexpectedStatusError) as caught:
            await http.request("GET", server.url)
    assert (caught.value.status, caught.value.body) == (status, body.encode())
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520])
async def test_what_may_go_better_later_is_a_failure_of_the_server(
    http: HttpClient, status: int
) -> None:
    async with ScriptedServer.running(answer(status, headers={"Retry-After": "3600"})) as server:
        with pytest.raises(ServerFailureError) as caught:
            await http.request("GET", server.url)
    assert (caught.value.status, caught.value.retry_after) == (status, 3600.0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PROPFIND", "REPORT", "PUT"])
async def test_a_redirect_within_the_origin_gets_the_whole_request(
    http: HttpClient, status: int, method: str
) -> None:
    script = (redirect("/there?x=1", status), answer(200, "found"))
    async with ScriptedServer.running(*script) as server:
        response = await http.request(
            method, server.url, headers={"Depth": "0"}, data=b"<propfind/>"
        )
    first, second = server.seen
    assert (second.method, second.path, second.body) == (method, "/there?x=1", first.body)
    assert second.headers["Depth"] == "0"
    assert second.headers["Authorization"] == f"Bearer {TOKEN}"
    assert response.url == server.url.join(URL("/there?x=1"))


async def test_a_see_other_is_not_followed_by_a_write(http: HttpClient) -> None:
    async with ScriptedServer.running(redirect("/there", 303), answer()) as server:
        with pytest.raises(UnexpectedStatusError) as caught:
            await http.request("POST", server.url, data=b"{}")
    assert caught.value.status == 303
    assert len(server.seen) == 1


async def test_another_server_never_hears_of_us(http: HttpClient) -> None:
    async with (
        ScriptedServer.running(answer()) as other,
        ScriptedServer.running(redirect(str(other.url))) as server,
    ):
        with pytest.raises(RedirectError) as caught:
            await http.request("POST", server.url, data=b"private")
    assert caught.value.location == other.url
    assert (len(server.seen), len(other.seen)) == (1, 0)


async def test_redirects_in_a_circle_come_to_an_end(http: HttpClient) -> None:
    async with ScriptedServer.running(redirect("/a")) as server:
        with pytest.raises(BrokenAnswerError) as caught:
            await http.request("GET", server.url, repeatable=False)
    assert "too many redirects" in str(caught.value)
    assert len(server.seen) <= 10


async def test_a_few_redirects_in_a_row_are_followed(http: HttpClient) -> None:
    script = [redirect(f"/{number}") for number in range(5)]
    async with ScriptedServer.running(*script, answer(200, "found")) as server:
        assert (await http.request("GET", server.url)).body == b"found"


async def test_a_body_may_be_as_large_as_the_bound(http: HttpClient) -> None:
    async with ScriptedServer.running(answer(200, b"x" * 1000)) as server:
        request = HttpRequest("GET", server.url, max_octets=1000)
        assert await http.ask(request, lambda response: len(response.body)) == 1000


@pytest.mark.parametrize("size", [1001, 1_000_000])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_a_body_beyond_the_bound_is_refused_packed_or_not(
    http: HttpClient, encoding: str, size: int
) -> None:
    body = b"x" * size
    packed = gzip.compress(body) if encoding == "gzip" else body
    script = answer(200, packed, {"Content-Encoding": encoding})
    async with ScriptedServer.running(script) as server:
        with pytest.raises(AnswerTooLargeError) as caught:
            await http.ask(HttpRequest("GET", server.url, max_octets=1000), Response.json)
    assert "too large (over 1000 octets)" in str(caught.value)
    assert len(server.seen) == 1, "the same answer would come again"


async def test_a_stream_is_given_as_it_begins_whatever_its_status(http: HttpClient) -> None:
    async with ScriptedServer.running(redirect("/there", 307)) as server:
        opening = http.open("GET", server.url, headers={}, timeout=aiohttp.ClientTimeout())
        async with opening as response:
            assert response.status == 307
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "credentials", [Credentials.bearer("s3cret"), Credentials.basic("ann", "s3cret")]
)
@pytest.mark.parametrize("status", [301, 302, 401, 404, 500, 503])
async def test_no_error_shows_what_we_sent(credentials: Credentials, status: int) -> None:
    script = answer(status, headers={"Location": "https://other.example/?token=x"})
    async with (
        http_client(credentials=credentials) as http,
        ScriptedServer.running(script) as server,
    ):
        with pytest.raises(HttpError) as caught:
            await http.request("POST", server.url.with_query(key="hidden"), data=b"private")
    error = caught.value
    for shown in (str(error), repr(error), repr(error.__cause__), repr(http)):
        assert "s3cret" not in shown
        assert credentials.header.split()[1] not in shown
        assert "private" not in shown
    assert "hidden" not in str(error)
    assert "token" not in str(error)


def test_a_certificate_that_is_not_trusted_is_said_to_be_the_reason() -> None:
    key = ConnectionKey(
        "mail.example.com",
        443,
        is_ssl=True,
        ssl=True,
        proxy=None,
        proxy_auth=None,
        proxy_headers_hash=None,
        server_hostname=None,
    )
    refused = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    told = translate(
        aiohttp.ClientConnectorCertificateError(key, refused), URL("https://mail.example.com")
    )
    assert isinstance(told, UnreachableError)
    assert not told.sent
    assert "self-signed certificate" in str(told)


def test_a_connection_that_is_not_made_in_time_has_carried_nothing() -> None:
    told = translate(aiohttp.ConnectionTimeoutError(), URL("https://mail.example.com"))
    assert isinstance(told, UnreachableError)
    assert not told.sent
    assert "timed out" in str(told)
