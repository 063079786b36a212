"""The page behind Caddy and nginx, with the files that the documents name, over https."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from playwright.async_api import BrowserContext, expect

from tests.support.browser.launch import launching
from tests.support.browser.screen import Screen
from tests.support.browser.window import context_of
from tests.support.owner.person import Owner, message
from tests.support.servers.web_proxies import AUTH_COOKIE, HOST, Certificate, caddy, nginx
from tests.support.service.page import PASSWORD
from tests.web.conftest import Serve

URL = f"https://{HOST}"
ANN = "ann@loom.example"
BEN = "ben@mill.example"


@asynccontextmanager
async def browsing(port: int, certificate: Certificate) -> AsyncIterator[BrowserContext]:
    """A browser that finds the host of the files on a port of this machine."""
    arguments = (
        f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{port}",
        f"--ignore-certificate-errors-spki-list={certificate.pin}",
    )
    async with launching(*arguments) as browser, context_of(browser) as (context, _):
        yield context


async def until_used(screen: Screen, alice: Owner) -> None:
    """Decide, and see mail arrive: forms and events get through."""
    await screen.answer(ANN, "Feed")
    await screen.until_decided(ANN, "Feed")
    assert await alice.where("one") == {"Feed"}
    await alice.receive(message(BEN, "two"))
    await screen.show_new()
    await expect(screen.row(BEN)).to_be_visible()


async def guess_until_delayed(port: int, host: str) -> None:
    """Send wrong passwords from an address of this machine."""
    connector = aiohttp.TCPConnector(local_addr=(host, 0), ssl=False)
    headers = {"Host": HOST, "Origin": URL}
    async with aiohttp.ClientSession(f"https://127.0.0.1:{port}", connector=connector) as session:
        status = 0
        while status != 429:
            async with session.post(
                "/sign-in", data={"password": "guess"}, headers=headers, server_hostname=HOST
            ) as response:
                status = response.status


async def ask(port: int, headers: Mapping[str, str]) -> tuple[int, str]:
    """Ask for the page; return the status, and the address that the answer leads to."""
    async with (
        aiohttp.ClientSession(headers={"Host": HOST, **headers}) as session,
        session.get(
            f"https://127.0.0.1:{port}/", server_hostname=HOST, allow_redirects=False, ssl=False
        ) as response,
    ):
        return response.status, response.headers.get("Location", "")


async def test_caddy_and_a_password(alice: Owner, serve: Serve, tmp_path: Path) -> None:
    await alice.receive(message(ANN, "one"))
    certificate = Certificate.made_in(tmp_path)
    settings = {
        "MAILROOM_WEB_URL": URL,
        "MAILROOM_WEB_PASSWORD": PASSWORD,
        "MAILROOM_WEB_TRUSTED_NETWORKS": "127.0.0.0/8",
    }
    async with (
        serve(alice, **settings) as site,
        caddy(tmp_path, site.port, certificate) as port,
        browsing(port, certificate) as context,
    ):
        await guess_until_delayed(port, "127.0.0.2")  # which delays nobody at another address
        screen = await Screen.opened(await context.new_page(), URL)
        await screen.sign_in(PASSWORD)
        (cookie,) = await context.cookies()
        assert (cookie["name"], cookie["domain"]) == ("__Host-mailroom", HOST)
        await until_used(screen, alice)


async def test_nginx_and_an_auth_proxy(alice: Owner, serve: Serve, tmp_path: Path) -> None:
    """Only the user whom the auth proxy names gets in, whatever header the browser sends."""
    await alice.receive(message(ANN, "one"))
    certificate = Certificate.made_in(tmp_path)
    settings = {
        "MAILROOM_WEB_URL": URL,
        "MAILROOM_WEB_PROXY_HEADER": "Remote-User",
        "MAILROOM_WEB_TRUSTED_NETWORKS": "127.0.0.0/8",
        "MAILROOM_WEB_PROXY_USER": "alice",
    }
    async with (
        serve(alice, **settings) as site,
        nginx(tmp_path, site.port, certificate) as port,
        browsing(port, certificate) as context,
    ):
        await context.set_extra_http_headers({"Remote-User": "alice"})
        # Nobody has signed in at the auth proxy yet.
        status, location = await ask(port, {"Remote-User": "alice"})
        assert status == 302
        assert location.startswith("https://auth.example.com/")
        await context.add_cookies([{"name": AUTH_COOKIE, "value": "mallory", "url": URL}])
        await (stranger := await context.new_page()).goto(URL)
        await expect(stranger.get_by_role("main")).to_contain_text("no user")
        await context.add_cookies([{"name": AUTH_COOKIE, "value": "alice", "url": URL}])
        screen = await Screen.opened(await context.new_page(), URL)
        await until_used(screen, alice)
