"""Operations on mail: what is asked, and how answers are read. No server."""

from typing import Any

import pytest

from mailroom.jmap.email_methods import get_email_state, get_identities
from mailroom.jmap.errors import MethodError
from mailroom.jmap.mail import Email, EmailAddress
from mailroom.jmap.mailboxes import Mailbox, get_mailboxes
from mailroom.jmap.queries import find_emails
from mailroom.jmap.request import Request, Results
from tests.support.scripted.jmap import asked, read

FROM = "header:From:asAddresses:all"


def test_mailboxes_are_asked_for_with_no_more_than_is_needed() -> None:
    assert asked(get_mailboxes("a")) == [
        [
            "Mailbox/get",
            {
                "accountId": "a",
                "ids": None,
                "properties": ["id", "name", "parentId", "role", "totalEmails", "myRights"],
            },
            "0",
        ]
    ]


def test_mailboxes_are_read() -> None:
    listed = [
        {"id": "1", "name": "Spam", "parentId": None, "role": "junk", "totalEmails": 5},
        {"id": "2", "name": "\u00e9t\u00e9", "parentId": "1", "role": None},
        {"id": "3", "name": "", "role": "TRASH"},
    ]
    assert read(get_mailboxes("a"), {"list": listed, "notFound": []}) == (
        Mailbox("1", "Spam", None, "junk", 5),
        Mailbox("2", "\u00e9t\u00e9", "1", ""),
        Mailbox("3", "", None, "trash"),
    )


def test_the_role_spam_of_apache_james_is_that_of_junk() -> None:
    listed = [{"id": "1", "name": "Spam", "role": "spam"}]
    (mailbox,) = read(get_mailboxes("a"), {"list": listed, "notFound": []})
    assert mailbox.role == "junk"


GOOD_MAILBOX = {"id": "1", "name": "Spam", "parentId": None, "role": "junk"}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"list": None},
        {"list": {}},
        {"list": [None]},
        {"list": ["1"]},
        {"list": [[]]},
        {"list": [GOOD_MAILBOX, {"id": "2"}]},
        {"list": [GOOD_MAILBOX | {"id": None}]},
        {"list": [GOOD_MAILBOX | {"id": 5}]},
        {"list": [GOOD_MAILBOX | {"name": None}]},
        {"list": [GOOD_MAILBOX | {"parentId": 5}]},
    ],
)
def test_mailboxes_of_a_wrong_shape_never_pass_for_fewer(answer: dict[str, Any]) -> None:
    with pytest.raises(MethodError) as caught:
        read(get_mailboxes("a"), answer)
    assert (caught.value.method, caught.value.type) == ("Mailbox/get", "serverFail")


def test_the_users_own_addresses_are_read() -> None:
    listed = [
        {"id": "1", "email": "ann@example.com"},
        {"id": "2", "email": "*@example.org"},
        {"id": "alice", "name": "", "email": ""},  # as Cyrus has it
        {"id": "4", "email": None},
        {"id": "5"},
    ]
    assert read(get_identities("a"), {"list": listed}) == ("ann@example.com", "*@example.org")


def test_the_email_state_is_asked_for_without_any_mail() -> None:
    operation = get_email_state("a")
    ((method, arguments, _),) = asked(operation)
    assert (method, arguments["ids"]) == ("Email/get", [])
    assert read(operation, {"state": "51", "list": [], "notFound": []}) == "51"


def test_mail_is_found_and_got_in_one_go_oldest_first() -> None:
    operation = find_emails("a", {"inMailbox": "m"}, position=20, limit=10)
    (state, no_mail, _), (query, arguments, _), (get, got, _) = asked(operation)
    assert (state, query, get) == ("Email/get", "Email/query", "Email/get")
    assert no_mail["ids"] == []
    assert arguments == {
        "accountId": "a",
        "filter": {"inMailbox": "m"},
        "sort": [{"property": "receivedAt", "isAscending": True}],
        "position": 20,
        "limit": 10,
        "calculateTotal": True,
    }
    assert got["#ids"] == {"resultOf": "1", "name": "Email/query", "path": "/ids"}
    assert "ids" not in got
    properties = {"id", "mailboxIds", "keywords", "receivedAt", FROM, "from"}
    assert set(got["properties"]) == properties | {"header:List-Id:asText", "header:List-Post"}


GOOD = {
    "id": "M1",
    "mailboxIds": {"a": True, "b": True},
    "keywords": {"$seen": True},
    "receivedAt": "2026-11-22T16:36:20Z",
    FROM: [[{"name": "Zed", "email": "zed@q.example"}]],
}
QUERY = {"queryState": "51:0", "position": 0, "total": 1, "ids": ["M1"]}


def page_of(*emails: Any, **query: Any) -> Any:
    found = QUERY | {"ids": [f"M{number}" for number, _ in enumerate(emails)]} | query
    before, after = {"state": "50", "list": []}, {"state": "51", "list": list(emails)}
    return read(find_emails("a", {}, limit=10), before, found, after)


def the_email(**changes: Any) -> Email:
    (email,) = page_of(GOOD | changes).emails
    assert isinstance(email, Email)
    return email


def test_a_page_is_read() -> None:
    page = page_of(GOOD, ids=["M1", "gone in the meantime"], total=13)
    assert page.emails == (
        Email(
            "M1",
            frozenset({"a", "b"}),
            frozenset({"$seen"}),
            "2026-11-22T16:36:20Z",
            (EmailAddress("Zed", "zed@q.example"),),
        ),
    )
    assert (page.length, page.total, page.states) == (2, 13, ("50", "51"))
    assert page.state == "50", "of the two, the one behind which nothing was missed"


def test_an_empty_page_is_read() -> None:
    page = page_of(total=0)
    assert (page.emails, page.length, page.total) == ((), 0, 0)


@pytest.mark.parametrize("total", [None, "13", 1.5, True])
def test_a_total_that_is_no_number_is_none(total: object) -> None:
    assert page_of(GOOD, total=total).total is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], ()),
        (None, ()),
        ([None], ()),
        ([[]], ()),
        ([[{"name": None, "email": "ann@x.example"}]], (EmailAddress("", "ann@x.example"),)),
        ([[{"email": "ann@x.example"}]], (EmailAddress("", "ann@x.example"),)),
        ([[{"name": "X", "email": ""}]], (EmailAddress("X", ""),)),
        ([[{"name": "X", "email": None}]], (EmailAddress("X", ""),)),
        ([[{"name": "X"}]], (EmailAddress("X", ""),)),
        (
            [[{"email": "a@x.example"}, {"email": "b@x.example"}], [{"email": "c@x.example"}]],
            tuple(EmailAddress("", f"{name}@x.example") for name in "abc"),
        ),
        ([None, [{"email": "c@x.example"}]], (EmailAddress("", "c@x.example"),)),
    ],
)
def test_the_addresses_of_every_from_field_count(
    fields: object, expected: tuple[EmailAddress, ...]
) -> None:
    assert the_email(**{FROM: fields}).from_ == expected


@pytest.mark.parametrize("fields", [[], [[]]], ids=["Cyrus", "Apache James"])
def test_without_a_list_of_from_fields_the_last_one_counts(fields: list[object]) -> None:
    last = [{"name": "J\ufffdrgen", "email": "j@x.example"}]
    found = the_email(**{FROM: fields, "from": last}).from_
    assert found == (EmailAddress("J\ufffdrgen", "j@x.example"),)


@pytest.mark.parametrize("keywords", [None, {}])
def test_a_mail_may_have_no_keywords(keywords: dict[str, bool] | None) -> None:
    assert the_email(keywords=keywords).keywords == frozenset()


def test_a_mail_without_a_date_is_read_all_the_same() -> None:
    assert the_email(receivedAt=None).received_at == ""


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    "email",
    [
        None,
        "M1",
        [],
        without("id"),
        without("mailboxIds"),
        without(FROM),
        GOOD | {"id": None},
        GOOD | {"id": 5},
        GOOD | {"mailboxIds": None},
        GOOD | {"mailboxIds": ["a"]},
        GOOD | {"mailboxIds": "abc"},
        GOOD | {"keywords": ["$seen"]},
        GOOD | {"keywords": "$seen"},
        GOOD | {FROM: [{"email": "x@x.example"}]},
        GOOD | {FROM: ["x@x.example"]},
        GOOD | {FROM: [["x@x.example"]]},
        GOOD | {FROM: 5},
    ],
    ids=range(17),
)
def test_a_mail_of_a_wrong_shape_never_passes_for_another(email: object) -> None:
    with pytest.raises(MethodError) as caught:
        page_of(GOOD, email)
    assert "promised shape" in str(caught.value)


@pytest.mark.parametrize("query", [{"ids": None}, {"ids": {}}, {"ids": "M1"}])
def test_a_query_of_a_wrong_shape_never_passes_for_nothing_found(query: dict[str, Any]) -> None:
    with pytest.raises(MethodError) as caught:
        page_of(GOOD, **query)
    assert caught.value.method == "Email/query"


def test_of_a_refused_query_it_is_said_why() -> None:
    """And not what that means for the call that refers to it."""
    operation = find_emails("a", {"inMailbox": "nope"}, limit=10)
    responses = [
        ["Email/get", {"state": "51", "list": []}, "0"],
        ["error", {"type": "invalidArguments", "arguments": ["filter/inMailbox"]}, "1"],
        ["error", {"type": "invalidResultReference"}, "2"],
    ]
    with pytest.raises(MethodError) as caught:
        operation.read(Results(Request(operation.calls).read(responses)))
    assert (caught.value.method, caught.value.type) == ("Email/query", "invalidArguments")
