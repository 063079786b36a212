"""Files of subjects: plain text, and the history of another Screener as JSON."""

import json

import pytest

from mailroom.admin.importing import FileMistakesError, read_subjects


def names(text: str) -> tuple[list[str], list[str]]:
    imported = read_subjects(text)
    return [*map(str, imported.accepted)], [*map(str, imported.denied)]


def test_a_text_has_a_subject_on_each_line() -> None:
    text = (
        "\ufeffAnn <ann@home.example>\r\n\n# friends\n*@Corp.example  # all of them\n"
        "dev.lists.example\nANN@home.example\nbob@home.example,\n"
    )
    accepted = ["ann@home.example", "*@corp.example", "dev.lists.example", "bob@home.example"]
    assert names(text) == (accepted, [])


def test_every_line_that_cannot_be_used_is_named() -> None:
    with pytest.raises(FileMistakesError) as caught:
        read_subjects("ann@home.example\nnobody\n\n*\n")
    lines = str(caught.value).split("\n")
    assert [line.partition(":")[0] for line in lines] == ["line 2", "line 4"]
    assert "'nobody'" in lines[0]


HISTORY = [
    {"id": 1, "status": "approved", "name": "Ann", "email_address": "ann@home.example"},
    {"id": 2, "status": "denied", "name": "Win", "email_address": "win@spam.example"},
    {"id": 3, "status": "approved", "name": "Ann", "email_address": "ANN@home.example"},
]


@pytest.mark.parametrize("document", [HISTORY, {"ok": True, "data": HISTORY}])
def test_a_history_has_approved_and_denied_senders(document: object) -> None:
    assert names(json.dumps(document)) == (["ann@home.example"], ["win@spam.example"])


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{", "is not valid JSON"),
        ("[" * 100_000, "is not valid JSON"),
        ("{}", "no list"),
        ('{"data": 3}', "no list"),
        ("[3]", "entry 1"),
        ('[{"status": "approved"}]', "entry 1: there is no email_address"),
        ('[{"status": "pending", "email_address": "a@b.example"}]', "'pending' is not known"),
    ],
)
def test_other_json_is_refused(text: str, mistake: str) -> None:
    with pytest.raises(FileMistakesError, match=mistake):
        read_subjects(text)


def test_bytes_that_are_no_utf_8_do_no_harm_in_a_name_only() -> None:
    name, address = b"M\xfcller <mm@x.example>\n", b"m\xfcller@x.example\n"
    imported = read_subjects(name.decode(errors="replace"))
    assert list(map(str, imported.accepted)) == ["mm@x.example"]
    with pytest.raises(FileMistakesError, match=r"line 2: .* is not in UTF-8"):
        read_subjects((name + address).decode(errors="replace"))
