"""The pages as markup: hostile texts do no harm, and everything has a name and a place."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from mailroom.web.context import Page
from mailroom.web.model import (
    Cleared,
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
from mailroom.web.render import breakable, day, decision_day, render, static_file
from tests.support.page.account import ANSWERS, NOW, row

TYPED = "\u202e\"'><script>alert(1)</script><img src=x onerror=alert(1)>&{{7*7}}\x00\u200b"
"""A text that a person may type, or that stands in an id."""
HOSTILE = f"{TYPED}\ud800"
"""A text of a stranger: JSON may hold half a character."""
WHO = "\"'><b>\u200b@evil.example"
PAGE = Page(
    title="A title",
    current="waiting",
    account="anna",
    waiting_count=2,
    signed_in=True,
    can_sign_out=True,
    answers=ANSWERS,
    row_answers=ANSWERS[:4],
    return_to="/?page=1",
)
ROWS = (
    row(
        1,
        name=HOSTILE,
        who=WHO,
        address=WHO,
        subject_line=HOSTILE * 50,
        alias=WHO,
        preview=HOSTILE,
        scopes={Scope.LIST: TYPED, Scope.DOMAIN: f"*@{TYPED}"},
        mail_url="https://mail.example/%22%3E",
        newest_id=TYPED,
        count=3,
    ),
    row(2, reason=Reason.FORGED),
    row(3, reason=Reason.LIST, who="dev.lists.example", address="dev@lists.example"),
    row(4, reason=Reason.NAMELESS, who="", name="", address="", subject_line="", alias=""),
)
DONE = (
    Outcome(WHO, "Feed", mails=2, before=("Imbox",)),
    Outcome(WHO, "", failure=HOSTILE),
    Outcome(WHO, "", let_in=TYPED),
    Outcome(WHO, "spam", is_pending=True),
    Outcome("*@loom.example", "Feed"),
    Outcome(WHO, ""),
)
WAITING = {
    "waiting": Waiting(ROWS, NOW, problem=HOSTILE),
    "rows": ROWS,
    "page_number": 2,
    "pages": 3,
    "search": TYPED,
}
NOBODY = {"waiting": Waiting((), NOW), "rows": (), "page_number": 1, "pages": 1, "search": ""}
DECIDED = DecidedRow((WHO, TYPED), HOSTILE, ("Feed", TYPED), "2026-02-03", "10:00")
FILTER = {"categories": ["Feed", TYPED], "category": TYPED, "search": TYPED}
SUBJECT = SubjectPage(
    WHO,
    HOSTILE,
    ("Feed",),
    (("contact", HOSTILE), ("contact", "another")),
    (MailLine(TYPED, HOSTILE, NOW, (HOSTILE,), waits=True, mail_url="x:1"),),
    is_decided=True,
)
PROPOSED = (
    SuggestedRow(WHO, HOSTILE, "Feed", HOSTILE, 9, (HOSTILE,)),
    SuggestedRow("b@x.example", "", "", "no suggestion", 1, ()),
)
SIGN_IN = {"accounts": ("anna", "ben"), "needs_https": True, "failed": True, "retry_after": 5}
PAGES: list[tuple[str, Mapping[str, Any]]] = [
    ("waiting.html", WAITING),
    ("waiting.html", NOBODY),
    ("waiting.html", {**NOBODY, "search": TYPED}),
    ("decided.html", {**FILTER, "rows": (DECIDED,), "page_number": 1, "pages": 2}),
    ("decided.html", {**FILTER, "rows": (), "page_number": 1, "pages": 1}),
    ("subject.html", {"subject": SUBJECT}),
    ("subject.html", {"subject": SubjectPage("a@b.example", "", (), (), (), is_decided=False)}),
    ("suggest.html", {"suggestions": Suggestions(PROPOSED, 9, 9, is_complete=True)}),
    ("suggest.html", {"suggestions": Suggestions((), 9, 9, is_complete=True)}),
    ("suggest.html", {"suggestions": Suggestions((), 3, 9, is_complete=False)}),
    ("suggest.html", {"suggestions": Suggestions((), 0, 0, is_complete=False)}),
    ("clear.html", {"older": "30d", "cleared": Cleared(1, 1, HOSTILE), "done": False}),
    ("clear.html", {"older": "", "cleared": Cleared(3, 2, HOSTILE), "done": True}),
    ("sign_in.html", SIGN_IN),
    ("error.html", {"status": 404, "heading": "Nothing", "text": HOSTILE, "advice": "Go back."}),
    ("offline.html", {}),
]
VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}
FIELDS = {"input", "select", "textarea"}


class Reading(HTMLParser):
    """Reads a page, and notes what is wrong with it.

    Attributes:
        open: the elements that are open.
        tags: every element, with its attributes.
        mistakes: the mistakes.
        texts: the text inside of each button, heading and link.
    """

    def __init__(self, markup: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.mistakes: list[str] = []
        self.nameless: list[tuple[str, int]] = []
        self.text = ""
        self.labelled: list[bool] = []
        self.feed(markup)
        self.close()
        self.mistakes += [f"<{tag}> is not closed" for tag, _ in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag in FIELDS and attributes.get("type") != "hidden":
            inside = any(name == "label" for name, _ in self.open)
            self.labelled.append(inside)
        if tag not in VOID:
            self.open.append((tag, {**attributes, "at": str(len(self.text))}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1][0] != tag:
            self.mistakes.append(f"</{tag}> closes {self.open[-1:]}")
            return
        _, attributes = self.open.pop()
        said = self.text[int(attributes["at"] or 0) :].strip()
        if tag in {"button", "h1", "h2", "a", "summary", "label", "legend"} and not said:
            self.mistakes.append(f"<{tag} {attributes}> says nothing")

    def handle_data(self, data: str) -> None:
        self.text += data


def page(template: str, context: Mapping[str, Any]) -> str:
    return render(template, page=replace(PAGE, done=DONE), **context)


@pytest.mark.parametrize(("template", "context"), PAGES)
def test_each_page_is_well_formed_and_names_everything(
    template: str, context: Mapping[str, Any]
) -> None:
    text = page(template, context)
    text.encode()
    reading = Reading(text)
    # Two buttons have a text only while the script uses them.
    scripted = ("'id': 'new'", "'id': 'show-keys'")
    mistakes = [each for each in reading.mistakes if not any(one in each for one in scripted)]
    assert mistakes == []
    ids = [of["id"] for _, of in reading.tags if "id" in of]
    assert len(ids) == len(set(ids))
    for _, attributes in reading.tags:
        for name in ("aria-labelledby", "for", "form"):
            if name in attributes:
                assert attributes[name] in ids, attributes
    labels = {of["for"] for tag, of in reading.tags if tag == "label" and "for" in of}
    fields = [of for tag, of in reading.tags if tag in FIELDS and of.get("type") != "hidden"]
    for attributes, is_inside in zip(fields, reading.labelled, strict=True):
        named = is_inside or attributes.get("id") in labels or "aria-hidden" in attributes
        assert named, attributes


@pytest.mark.parametrize(("template", "context"), PAGES)
def test_texts_of_strangers_do_no_harm(template: str, context: Mapping[str, Any]) -> None:
    text = page(template, context)
    reading = Reading(text)
    for tag, attributes in reading.tags:
        assert tag not in {"img", "style", "iframe", "object", "base"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if tag == "script":
            assert str(attributes["src"]).startswith("/static/page.js?v=")
        for name in ("src", "href", "action", "formaction"):
            link = attributes.get(name)
            assert link is None or re.match(r"/(?!/)|\?|#|https://mail\.example/|x:1", link), link
    # The filters "clean" and "address" remove or escape these wherever people read.
    for hidden in ("\u202e", "\u200b", "\x00"):
        assert hidden not in reading.text
    assert "49" not in reading.text.replace(HOSTILE, "")


@pytest.mark.parametrize("outcome", DONE, ids=str)
def test_an_outcome_offers_the_way_back(outcome: Outcome) -> None:
    text = render("_outcomes.html", page=PAGE, outcomes=[("m1", outcome)])
    reading = Reading(text)
    assert reading.mistakes == []
    forms = [of["action"] for tag, of in reading.tags if tag == "form"]
    if outcome.let_in:
        assert forms == ["/send-back"]
    elif outcome.category and not outcome.failure:
        assert forms == ["/undo"]
    else:
        assert forms == []
    restored = [of["value"] for _, of in reading.tags if of.get("name") == "category"]
    assert restored == (["Imbox"] if outcome.before else [])


def test_a_row_has_at_most_four_answers_and_the_others_behind_a_button() -> None:
    text = render("_rows.html", page=PAGE, **{**WAITING, "rows": (row(1),)})
    before, _, behind = text.partition("<details")
    assert re.findall(r'name="answer" value="([^"]*)"', before) == [
        "Imbox",
        "Feed",
        "Paper Trail",
        "Screened Out",
    ]
    assert re.findall(r'name="answer" value="([^"]*)"', behind) == ["spam"]
    assert ">No<" in before


def test_no_answer_about_a_forged_sender_is_one_tap_away() -> None:
    text = render("_rows.html", page=PAGE, **{**WAITING, "rows": (row(1, reason=Reason.FORGED),)})
    before, _, behind = text.partition("<details")
    assert 'name="answer"' not in before
    assert 'class="tick"' not in before
    assert 'formaction="/let-in"' in before
    assert behind.count('name="answer"') == len(ANSWERS)
    assert "genuine mail too" in behind


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(), "12:00"),
        (timedelta(days=1), "Sun 12:00"),
        (timedelta(days=6), "Tue 12:00"),
        (timedelta(days=7), "2 Feb"),
        (timedelta(days=60), "11 Dec 2025"),
        (timedelta(days=-1), "10 Feb"),
    ],
    ids=str,
)
def test_times(age: timedelta, text: str) -> None:
    now = NOW.replace(hour=12).astimezone()
    shown = day(now - age, now)
    local = (now - age).astimezone()
    assert re.sub(r"<.*?>", "", shown) == text.replace("12:00", f"{local:%H:%M}")
    assert f'datetime="{local.isoformat(timespec="minutes")}"' in shown


def test_static_files() -> None:
    css, script = static_file("page.css"), static_file("page.js")
    assert css
    assert script
    assert (css.content_type, script.content_type) == ("text/css", "text/javascript")
    assert css.version != script.version
    for name in ("nothing.css", "../render.py", "..", "", "page.css/", "render.py"):
        assert static_file(name) is None


def test_the_manifest_and_the_worker_name_files_that_exist() -> None:
    for name in ("manifest.webmanifest", "sw.js"):
        file = static_file(name)
        assert file
        for path in re.findall(r'"/static/([\w.-]+)"', file.body.decode()):
            assert static_file(path), path


@pytest.mark.parametrize(
    ("date", "time", "shown"),
    [("2024-02-25", "14:03", "25 Feb 2024"), ("", "", ""), ("2024-13-45", "", "2024-13-45")],
)
def test_day_of_a_decision(date: str, time: str, shown: str) -> None:
    assert re.sub("<[^>]*>", "", decision_day(date, time)) == shown


def test_long_addresses_are_broken_before_the_domain() -> None:
    assert breakable("ann@loom.example") == "ann<wbr>@loom.example"
    assert breakable("<b>@x") == "&lt;b&gt;<wbr>@x"
    assert breakable("dev.lists.example") == "dev.lists.example"


def test_the_script_names_each_value_once() -> None:
    """A name that is declared twice stops the whole script, and nothing in Python tells."""
    script = static_file("page.js")
    assert script is not None
    names = re.findall(r"(?m)^(?:const|let|(?:async )?function) (\w+)", script.body.decode())
    assert len(names) == len(set(names))
