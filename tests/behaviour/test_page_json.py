"""JSON of the page for programs: the same objects as of the commands, and decisions."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.behaviour.conftest import on
from tests.support.owner.person import Owner, message
from tests.support.service.forked import command
from tests.support.service.page import Site, serving_page
from tests.support.service.process import environment
from tests.support.variants.worlds import VARIANTS

pytestmark = on(*(each for each in VARIANTS if each.push == "eventsource"))

NEWS = "The Loom <news@loom.example>"
ANN = "Ann <ann@loom.example>"
LIST = {"List-Id": "Loom developers <dev.lists.loom.example>"}
TOKEN, READS = "a-token-that-decides", "a-token-that-only-reads"
TOKENS = {"MAILROOM_WEB_API_TOKEN": TOKEN, "MAILROOM_WEB_API_TOKEN_READONLY": READS}
NEWS_ADDRESS = "news@loom.example"


class Program:
    """A program that uses the JSON of a page."""

    def __init__(self, session: aiohttp.ClientSession, site: Site) -> None:
        self._session, self._site = session, site

    async def ask(
        self, path: str, body: Mapping[str, Any] | None = None, *, token: str = TOKEN
    ) -> tuple[int, Any]:
        """Return the status and the JSON of an answer; a body makes it a POST."""
        async with self._session.request(
            "GET" if body is None else "POST",
            f"{self._site.url}/api/{path}",
            headers={"Authorization": f"Bearer {token}"},
            json=body,
        ) as response:
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def program(owner: Owner, cwd: Path) -> AsyncIterator[Program]:
    async with serving_page(owner, cwd, **TOKENS) as site, aiohttp.ClientSession() as session:
        yield Program(session, site)


async def printed(owner: Owner, cwd: Path, name: str) -> Any:
    """Return the objects that a command prints."""
    finished = await command(environment(owner), name, "--json", cwd=cwd)
    assert finished.code == 0, finished.err
    return json.loads(finished.out)[name]


async def test_the_objects_are_those_of_the_commands(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"), message(ANN, "two"), message(NEWS, "three"))
    await alice.receive(message("Bob <bob@home.test>", "post", headers=LIST))
    async with program(alice, tmp_path) as page:
        status, waiting = await page.ask("waiting", token=READS)
        assert (status, waiting["problem"]) == (200, None)
        assert len(waiting["waiting"]) == 3
        assert waiting["waiting"] == await printed(alice, tmp_path, "waiting")

        status, outcome = await page.ask("decide", {"who": NEWS_ADDRESS, "category": "feed"})
        assert (status, outcome["pending"]) == (200, False)
        assert [await alice.where(subject) for subject in ("one", "three")] == [{"Feed"}] * 2
        _, waiting = await page.ask("waiting")
        assert waiting["waiting"] == await printed(alice, tmp_path, "waiting")
        status, decided = await page.ask("decided?category=feed&search=loom", token=READS)
        assert status == 200
        assert decided["decided"] == await printed(alice, tmp_path, "decided")
        assert len(decided["decided"]) == 1

        status, outcome = await page.ask("undo", {"who": NEWS_ADDRESS})
        assert (status, outcome["pending"]) == (200, False)
        assert [await alice.where(subject) for subject in ("one", "three")] == [{"Screener"}] * 2
        assert (await page.ask("decided"))[1] == {"decided": []}


async def test_what_is_refused_changes_nothing(alice: Owner, tmp_path: Path) -> None:
    await alice.receive(message(NEWS, "one"))
    async with program(alice, tmp_path) as page:
        for body, token, expected in (
            ({"who": NEWS_ADDRESS, "category": "Feed"}, READS, 403),
            ({"who": NEWS_ADDRESS, "category": "Feed"}, "guess", 401),
            ({"who": NEWS_ADDRESS, "category": "Circus"}, TOKEN, 422),
            ({"who": NEWS_ADDRESS, "category": ""}, TOKEN, 400),
            ({"who": "nobody", "category": "Feed"}, TOKEN, 422),
            ({"who": "\ud800@loom.example", "category": "Feed"}, TOKEN, 422),
            ({"who": f"{'x' * 1000}@loom.example", "category": "Feed"}, TOKEN, 422),
        ):
            status, problem = await page.ask("decide", body, token=token)
            assert (status, problem["status"]) == (expected, expected)
            assert problem["detail"]
        status, _ = await page.ask("decided?category=Circus")
        assert status == 422
        assert await alice.where("one") == {"Screener"}
        assert (await page.ask("decided"))[1] == {"decided": []}
