"""Hostile texts in every field of every page: nothing becomes markup, and nothing fails."""

import unicodedata
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from mailroom.web.model import (
    DecidedRow,
    MailLine,
    Outcome,
    Reason,
    Scope,
    SubjectPage,
    SuggestedRow,
    Suggestions,
    Waiting,
)
from mailroom.web.options import Access
from tests.support.page.account import NOW, ScriptedAccount, row
from tests.support.page.visitor import SCRIPT, visiting

HOSTILE = {
    "element": "</li><script src=//evil.example/x.js></script><img src=x onerror=alert(1)>",
    "attribute": "\" onfocus=alert(1) autofocus x='",
    "apostrophe": "' onmouseover='alert(1)",
    "template": "{{ page }}{% include 'x' %}${alert(1)}",
    "comment": "--><!-- ]]> <![CDATA[",
    "entity": "&lt;script&gt;&#x202e;&quot;",
    "direction": "\u202egnp.exe\u2066\u2069\u200f",
    "invisible": "\u200b\u2060\ufeff\u00ad\u3164\U000e0041",
    "control": "\x00\x07\x1b[31m\r\n\t\x85\x9b",
    "marks": "a" + "\u0300" * 300,
    "half": "lone \ud800 half \udfff",
    "long": "x" * 10_000,
    "lines": "\u2028\u2029",
    "link": "https://evil.example/ javascript:alert(1)",
    "empty": "",
}
TAGS = {
    *("html", "head", "meta", "title", "link", "script", "body", "header", "main", "footer", "nav"),
    *("a", "article", "b", "button", "dialog", "div", "form", "h1", "h2", "li", "p", "span"),
    *("dd", "details", "dl", "dt", "fieldset", "input", "kbd", "label", "legend", "option"),
    *("progress", "select", "strong", "summary", "time", "ul", "wbr"),
}


class Reader(HTMLParser):
    """Reads a page as a browser does, and fails at what no template has."""

    def __init__(self) -> None:
        super().__init__()
        self.values = list[str]()
        self.texts = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in {"style", "srcdoc", "formtarget", "ping"}, name
            if name in {"href", "src", "action", "formaction"}:
                assert value is not None
                is_ours = value.startswith("/") and not value.startswith(("//", "/\\"))
                assert is_ours or value == "#main", value
            if name == "value":
                self.values.append(value or "")
        if tag == "script":
            assert dict(attrs)["src"], "a script in the page"

    def handle_data(self, data: str) -> None:
        for hidden in "\u202e\u2066\u200b\ufeff\u00ad\x00\x07\x1b\x85\u2028":
            assert hidden not in data
        assert len(data) < 6000
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def possible(text: str) -> str:
    """Return the part of a text that the name of a subject may have."""
    return "".join(letter for letter in text if unicodedata.category(letter) not in {"Cc", "Cs"})


class HostileAccount(ScriptedAccount):
    """An account in which strangers chose all texts that strangers can choose."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text, name = text, possible(text)
        hostile = row(
            1,
            name=text,
            address=text,
            subject_line=text,
            alias=text,
            preview=text,
            count=2,
            scopes={Scope.LIST: f"<{name}>", Scope.DOMAIN: f"*@{name}"},
        )
        rows = (
            hostile,
            replace(hostile, who=f"{name}@loom.example", reason=Reason.FORGED),
            replace(hostile, who=f"<{name}>", reason=Reason.LIST),
            replace(hostile, who="", reason=Reason.NAMELESS),
        )
        self.shown = Waiting(rows, NOW, problem=text)
        self.outcome = lambda choice: Outcome(choice.who, "Feed", failure=text)

    async def decided(self, *, category: str = "", search: str = "") -> tuple[DecidedRow, ...]:
        who = (f"{possible(self.text)}@loom.example", f"<{possible(self.text)}>")
        return (DecidedRow(who, self.text, ("Feed",), "2026-02-01", "10:00"),)

    async def subject(self, who: str) -> SubjectPage:
        mail = MailLine("m1", self.text, NOW, ("Screener", self.text), waits=True)
        explanation = (("contact", self.text), ("mail", self.text))
        return SubjectPage(who, self.text, ("Feed",), explanation, (mail,), is_decided=True)

    async def suggestions(self) -> Suggestions:
        who = f"{possible(self.text)}@loom.example"
        proposed = SuggestedRow(who, self.text, "Feed", self.text, 9, (self.text, self.text))
        return Suggestions((proposed,), 9, 9, is_complete=True)


@pytest.fixture(params=list(HOSTILE.values()), ids=list(HOSTILE))
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_pages_with_hostile_texts(text: str) -> None:
    async with visiting(Access(HostileAccount(text))) as visitor:
        for path in ("/?page=1", "/rows", "/decided", "/suggest", "/subject?who=x@loom.example"):
            response = await visitor.get(path)
            assert response.status == 200
            reader = Reader()
            reader.feed(await response.text())
            reader.close()
            assert any("Feed" in shown for shown in reader.texts)


async def test_what_a_form_sends_is_what_its_row_means(text: str) -> None:
    async with visiting(Access(HostileAccount(text))) as visitor:
        reader = Reader()
        reader.feed(await (await visitor.get("/rows")).text())
    assert f"m1 {possible(text)}@loom.example" in reader.values
    assert f"m1 <{possible(text)}>" in reader.values


async def test_searches_and_subjects_of_hostile_links(text: str) -> None:
    clean = text.encode(errors="replace").decode()[:1000]
    async with visiting(Access(ScriptedAccount())) as visitor:
        for path, name in (("/", "search"), ("/decided", "search"), ("/subject", "who")):
            url = visitor.client.make_url(path).with_query({name: clean, "category": clean})
            response = await visitor.get(url.raw_path_qs)
            assert response.status == 200
            Reader().feed(await response.text())


async def test_failures_with_hostile_texts(text: str) -> None:
    account = HostileAccount(text)
    async with visiting(Access(account)) as visitor:
        for headers in (SCRIPT, {"Sec-Fetch-Site": "same-origin"}):
            form = {"row": "m1 stranger1@loom.example", "answer": "Feed"}
            response = await visitor.post("/decide", form, headers)
            if response.status == 303:
                response = await visitor.get(response.headers["Location"])
            assert response.status == 200
            Reader().feed(await response.text())
