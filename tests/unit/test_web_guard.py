"""The rules for every request and response of the page: hosts, origins, headers, methods, files."""

import pytest

from mailroom.web import app
from mailroom.web.options import Access
from tests.support.page.account import ScriptedAccount
from tests.support.page.visitor import visiting


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
async def test_only_the_static_files_are_served(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()
    monkeypatch.setattr(app, "static_file", asked.append)
    async with visiting(Access(ScriptedAccount())) as visitor:
        assert (await visitor.get(f"/static/{name}")).status == 404
    assert not asked


async def test_an_unknown_address_is_an_error_page_with_its_status() -> None:
    async with visiting(Access(ScriptedAccount())) as visitor:
        response = await visitor.get("/nowhere")
        assert (response.status, response.content_type) == (404, "text/html")
        assert visitor.shown["template"] == "error.html"
        assert (visitor.shown["status"], visitor.shown["heading"]) == (404, "There is no such page")
        response = await visitor.get("/nowhere", X_Requested_With="mailroom")
        assert (response.status, visitor.shown["template"]) == (404, "_problem.html")
