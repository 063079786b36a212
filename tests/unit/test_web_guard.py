"""The rules for every request and response of the page: hosts, origins, headers, methods, files."""

from urllib.parse import unquote

import pytest

from mailroom.web.options import Access, PageOptions
from mailroom.web.render import static_file
from tests.support.page.account import ScriptedAccount
from tests.support.page.visitor import OPEN, PASSWORD, SAME_ORIGIN, raw, visiting


@pytest.mark.parametrize(
    "name",
    [
        "..%2fapp.py",
        "%2e%2e%2fapp.py",
        "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "..%5capp.py",
        "%00",
        ".%2fpage.js",
        "a" * 5000,
    ],
)
async def test_only_the_static_files_are_served(name: str) -> None:
    async with visiting(Access(ScriptedAccount())) as visitor:
        assert (await visitor.get(f"/static/{name}")).status == 404
    assert static_file(unquote(name)) is None


async def test_an_unknown_address_is_an_error_page_with_its_status() -> None:
    async with visiting(Access(ScriptedAccount())) as visitor:
        response = await visitor.get("/nowhere")
        assert (response.status, response.content_type) == (404, "text/html")
        assert visitor.shown["template"] == "error.html"
        assert (visitor.shown["status"], visitor.shown["heading"]) == (404, "There is no such page")
        response = await visitor.get("/nowhere", X_Requested_With="mailroom")
        assert (response.status, visitor.shown["template"]) == (404, "_problem.html")


PUBLIC = PageOptions(url="https://mail.example", open_to_all=True)
CHANGES = ("/decide", "/undo", "/let-in", "/send-back", "/sign-out", "/api/decide", "/api/undo")
DECIDE = {"row": "m1 stranger1@loom.example", "answer": "Feed"}


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_a_post_changes_anything(path: str, method: str) -> None:
    account = ScriptedAccount()
    async with visiting(Access(account)) as visitor:
        response = await visitor.request(
            method, f"{path}?who=a@b.example&answer=Feed&row=m1", headers=SAME_ORIGIN
        )
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert not account.asked


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("mail.example", 200),
        ("MAIL.example", 200),
        ("127.0.0.1:8081", 200),
        ("192.168.1.2", 200),
        ("[::1]:8081", 200),
        ("localhost:8081", 200),
        ("LOCALHOST", 200),
        ("mail.example:8443", 421),
        ("mail.example.", 421),
        ("evil.example", 421),
        ("mail.example.evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("127.0.0.1:80@evil.example", 421),
        ("evil.example@127.0.0.1", 421),
        ("127.0.0.1/evil.example", 421),
        ("127.0.0.1#.evil.example", 421),
        ("[::1", 421),
        ("127.0.0.1:port", 421),
        ("127.1", 421),
        ("0x7f000001", 421),
        ("", 421),
    ],
)
async def test_hosts(host: str, status: int) -> None:
    async with visiting(Access(ScriptedAccount()), options=PUBLIC) as visitor:
        assert (await visitor.get("/", Host=host)).status == status


async def test_without_an_address_no_name_is_accepted() -> None:
    async with visiting(Access(ScriptedAccount())) as visitor:
        assert (await visitor.get("/", Host="mail.example")).status == 421
        assert not visitor.shown["page"].signed_in
        assert not visitor.shown["page"].answers
        assert (await visitor.get("/sign-in", Host="mail.example")).status == 421
        response = await visitor.get("/api/waiting", Host="mail.example")
        assert (response.status, response.content_type) == (421, "application/problem+json")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil\xff.example\r\nConnection: close\r\n\r\n",
    ],
)
async def test_a_request_must_name_one_host(head: bytes) -> None:
    async with visiting(Access(ScriptedAccount())) as visitor:
        answer = await raw(visitor, head)
    status = answer.split()[1]
    assert status in {b"400", b"421"}
    assert "waiting.html" not in [template for template, _ in visitor.rendered]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "https://mail.example"}, 303),
        ({}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://mail.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://mail.example"}, 403),
        ({"Origin": "https://mail.example:8443"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://mail.example.evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:8081"}, 403),
        ({"Referer": "https://mail.example/"}, 403),
        ({"X-Requested-With": "mailroom"}, 403),
    ],
)
async def test_only_pages_of_ours_change_anything(headers: dict[str, str], status: int) -> None:
    account = ScriptedAccount()
    async with visiting(Access(account), options=PUBLIC) as visitor:
        response = await visitor.post("/decide", DECIDE, {"Host": "mail.example", **headers})
    assert response.status == status
    assert bool(account.asked) == (status == 303)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://192.168.1.2:8081", 303),
        ("https://192.168.1.2:8081", 303),
        ("http://192.168.1.2", 403),
        ("http://192.168.1.3:8081", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
@pytest.mark.parametrize("options", [OPEN, PUBLIC], ids=["", "with an address"])
async def test_a_page_that_was_opened_by_an_ip_address(
    origin: str, status: int, options: PageOptions
) -> None:
    """Browsers send no Sec-Fetch-Site over plain HTTP."""
    async with visiting(Access(ScriptedAccount()), options=options) as visitor:
        headers = {"Host": "192.168.1.2:8081", "Origin": origin}
        assert (await visitor.post("/decide", DECIDE, headers)).status == status


async def test_a_proxy_may_send_its_own_host() -> None:
    async with visiting(Access(ScriptedAccount()), options=PUBLIC) as visitor:
        headers = {"Host": "127.0.0.1:8081", "Origin": "https://mail.example"}
        assert (await visitor.post("/decide", DECIDE, headers)).status == 303


async def test_every_answer_has_the_headers_of_safety() -> None:
    access = Access(ScriptedAccount(), password=PASSWORD)
    async with visiting(access, options=PageOptions()) as visitor:
        answers = [
            await visitor.get("/"),
            await visitor.get("/sign-in"),
            await visitor.get("/nowhere"),
            await visitor.get("/decide"),
            await visitor.get("/", Host="evil.example"),
            await visitor.get("/api/waiting"),
            await visitor.post("/decide", headers={}),
            await visitor.sign_in(),
            await visitor.get("/"),
            await visitor.post("/decide", {"answer": "x" * 70_000}),
        ]
    assert [answer.status for answer in answers] == [
        303,
        200,
        404,
        405,
        421,
        401,
        403,
        303,
        200,
        413,
    ]
    for answer in answers:
        headers = answer.headers
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "aiohttp" not in headers["Server"]
