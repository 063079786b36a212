"""Email/query: the sandbox finds the same mail as Cyrus, with the same odd results."""

from typing import Any

import pytest

from tests.contract.servers import Account, message

SENDERS = (
    "Ann Example <ann@x.example>",
    "joann@x.example",
    "Ann Other <other@y.example>",
    "other <ANN@X.EXAMPLE>",
    "<ann@x.example.org>",
    "ann+tag@x.example",
    '"ann@x.example" <evil@z.example>',
    "A One <a1@m.example>, Ann Two <ann@x.example>",
    "=?utf-8?q?J=C3=BCrgen?= <juergen@u.example>",
    "sub.ann@x.example",
    "Bob <ann@y.example>",
    "ann@sub.x.example",
    "O'Neil <foo_bar@my-corp.example>",
    "example.x@one.example",
)
ANNS = [0, 2, 3, 4, 5, 6, 7, 9, 10, 11]


async def found(account: Account, email_filter: Any) -> list[int]:
    """The subjects, which are numbers, of the mails that match."""
    query = {"filter": email_filter, "limit": 100}
    (_, queried), (_, answer) = await account.perform(
        ("Email/query", query),
        (
            "Email/get",
            {
                "#ids": {"resultOf": "0", "name": "Email/query", "path": "/ids"},
                "properties": ["subject"],
            },
        ),
    )
    assert {email["id"] for email in answer["list"]} == set(queried["ids"])
    return sorted(int(email["subject"]) for email in answer["list"])


async def refused(account: Account, email_filter: Any) -> list[str]:
    """Return the parts of a filter that are refused as invalid."""
    error = await account.refusal("Email/query", filter=email_filter)
    assert error["type"] == "invalidArguments"
    return list(error["arguments"])


@pytest.fixture
async def corpus(account: Account) -> Account:
    for number, sender in enumerate(SENDERS):
        await account.deliver(message(sender, str(number)))
    await account.until_indexed(len(SENDERS))
    return account


async def test_from_searches_for_addresses_domains_and_words(corpus: Account) -> None:
    expected = {
        "ann@x.example": [0, 3, 7],
        "ANN@X.Example": [0, 3, 7],
        "<ann@x.example>": [0, 3, 7],
        "ann@x.example ": [0, 3, 7],
        "a1@m.example": [7],
        "ann+tag@x.example": [5],
        "sub.ann@x.example": [9],
        "foo_bar@my-corp.example": [12],
        "tag@x.example": [],
        "ann@x": [],
        "ann@x.exampl": [],
        "nobody@nowhere": [],
        "ann ann@x.example": [],
        "": [],
        "ann": ANNS,
        "ANN": ANNS,
        "ann@": ANNS,
        "joann": [1],
        "tag": [5],
        "a": [7],
        "corp": [12],
        "foo": [],
        "foo_bar": [12],
        "o'neil": [12],
        "jürgen": [8],
        "JÜRGEN": [8],
        "jurgen": [],
        "Ann Example": ANNS,
        "example  ann": ANNS,
        "ann x example": [0, 3, 4, 5, 6, 7, 9, 11],
        "x.example": [0, 1, 3, 4, 5, 6, 7, 9, 11],
        "example.x": [13],
        "y.example": [2, 10],
        "@x.example": [0, 1, 3, 5, 7, 9],
        "@sub.x.example": [11],
        "@example": [],
    }
    assert {text: await found(corpus, {"from": text}) for text in expected} == expected


async def test_header_looks_for_a_part_of_the_field(corpus: Account) -> None:
    everything = list(range(len(SENDERS)))
    expected = {
        ("From", "ann@x.example"): [0, 1, 3, 4, 6, 7, 9],
        ("from", "NN@X.EX"): [0, 1, 3, 4, 6, 7, 9],
        ("From", "Ann Example <ann@x.example>"): [0],
        ("Subject", "13"): [13],
        ("From",): everything,
        ("X-None",): [],
        ("X-None", "x"): [],
    }
    assert {facts: await found(corpus, {"header": list(facts)}) for facts in expected} == expected


async def test_operators(corpus: Account) -> None:
    ann, other, joann = ({"from": f"{name}@x.example"} for name in ("ann", "other", "joann"))
    nothing: dict[str, Any] = {"operator": "AND", "conditions": []}
    everything = list(range(len(SENDERS)))
    cases: list[tuple[Any, list[int]]] = [
        (None, everything),
        ({}, everything),
        (nothing, []),
        ({"operator": "OR", "conditions": []}, []),
        ({"operator": "AND", "conditions": [{}]}, everything),
        ({"operator": "AND", "conditions": [{}, ann]}, [0, 3, 7]),
        ({"operator": "AND", "conditions": [{"from": "ann"}, {"from": "other"}]}, [2, 3]),
        ({"operator": "OR", "conditions": [ann, joann, other]}, [0, 1, 3, 7]),
        ({"operator": "OR", "conditions": [nothing, joann]}, [1]),
        ({"operator": "AND", "conditions": [nothing, joann]}, []),
        ({"from": "ann", "header": ["From", "Two"]}, [7]),
        (
            {
                "operator": "AND",
                "conditions": [
                    {"operator": "OR", "conditions": [ann, joann]},
                    {"header": ["From", "Two"]},
                ],
            },
            [7],
        ),
    ]
    assert [await found(corpus, email_filter) for email_filter, _ in cases] == [
        numbers for _, numbers in cases
    ]


async def test_mailboxes_and_keywords(account: Account) -> None:
    ids = await account.receive(*(message("ann@x.example", str(number)) for number in range(3)))
    boxes = await account.mailboxes()
    inbox, archive = boxes["Inbox"], boxes["Archive"]
    await account.patch(ids[1], **{f"mailboxIds/{archive}": True, "keywords/$seen": True})
    await account.patch(ids[2], mailboxIds={archive: True}, keywords={"own": True})
    cases: list[tuple[Any, list[int]]] = [
        ({"inMailbox": inbox}, [0, 1]),
        ({"inMailbox": archive}, [1, 2]),
        ({"inMailbox": boxes["Sent"]}, []),
        ({"inMailboxOtherThan": [archive]}, [0, 1]),
        ({"inMailboxOtherThan": [inbox, archive]}, []),
        ({"inMailboxOtherThan": []}, [0, 1, 2]),
        ({"hasKeyword": "$seen"}, [1]),
        ({"hasKeyword": "$SEEN"}, [1]),
        ({"hasKeyword": "own"}, [2]),
        ({"notKeyword": "$seen"}, [0, 2]),
        ({"inMailbox": archive, "notKeyword": "$seen"}, [2]),
    ]
    assert [await found(account, email_filter) for email_filter, _ in cases] == [
        numbers for _, numbers in cases
    ]


@pytest.mark.parametrize(
    ("email_filter", "culprit"),
    [
        ("x", "filter"),
        ([], "filter"),
        ({"bogus": 1}, "filter/bogus"),
        ({"from": "ann", "bogus": 1}, "filter/bogus"),
        ({"from": 5}, "filter/from"),
        ({"from": None}, "filter/from"),
        ({"inMailbox": "nope"}, "filter/inMailbox"),
        ({"inMailbox": None}, "filter/inMailbox"),
        ({"inMailbox": "$inbox"}, "filter/inMailbox"),
        ({"inMailboxOtherThan": ["nope"]}, "filter/inMailboxOtherThan[0:nope]"),
        ({"inMailboxOtherThan": None}, "filter/inMailboxOtherThan"),
        ({"hasKeyword": ""}, "filter/hasKeyword"),
        ({"hasKeyword": None}, "filter/hasKeyword"),
        ({"header": "From"}, "filter/header"),
        ({"header": []}, "filter/header"),
        ({"header": [""]}, "filter/header[0:]"),
        ({"header": ["From", ""]}, "filter/header[1:]"),
        ({"header": ["From", 5]}, "filter/header[1]"),
        ({"header": ["From", "a", "b"]}, "filter/header[2:b]"),
        ({"operator": "XOR", "conditions": []}, "filter/operator"),
        ({"operator": "AND"}, "filter/conditions"),
        ({"operator": "AND", "conditions": ["x"]}, "filter/conditions[0]"),
        ({"operator": "OR", "conditions": [{}, {"bogus": 1}]}, "filter/conditions[1]/bogus"),
        (
            {"operator": "AND", "conditions": [{"operator": "OR", "conditions": [{"b": 1}]}]},
            "filter/conditions[0]/conditions[0]/b",
        ),
    ],
)
async def test_malformed_filters_are_refused(
    account: Account, email_filter: Any, culprit: str
) -> None:
    assert await refused(account, email_filter) == [culprit]


async def test_pages(account: Account) -> None:
    for number in range(5):
        await account.deliver(message("ann@x.example", str(number)))
    sort = [{"property": "receivedAt", "isAscending": True}]
    whole = (await account.call("Email/query", sort=sort))["ids"]
    cases: list[tuple[dict[str, Any], int, list[str]]] = [
        ({"limit": 2}, 0, whole[:2]),
        ({"limit": 2, "position": 1}, 1, whole[1:3]),
        ({"position": 3}, 3, whole[3:]),
        ({"position": 5}, 5, []),
        ({"position": 1000}, 5, []),
        ({"position": -2}, 3, whole[3:]),
        ({"limit": 0}, 0, []),
    ]
    for window, position, ids in cases:
        page = await account.call("Email/query", sort=sort, calculateTotal=True, **window)
        assert (page["position"], page["ids"], page["total"]) == (position, ids, 5), window


async def test_sorting_by_arrival(account: Account) -> None:
    await account.receive(*(message(f"a{number}@x.example") for number in range(3)))

    async def times(**more: Any) -> list[str]:
        ids = (await account.call("Email/query", **more))["ids"]
        answer = await account.call("Email/get", ids=ids, properties=["receivedAt"])
        by_id = {email["id"]: email["receivedAt"] for email in answer["list"]}
        return [by_id[mail_id] for mail_id in ids]

    by_arrival = {"property": "receivedAt"}
    oldest_first = await times(sort=[by_arrival])
    assert oldest_first == sorted(oldest_first)
    assert oldest_first == await times(sort=[{**by_arrival, "isAscending": True}])
    newest_first = sorted(oldest_first, reverse=True)
    assert newest_first == await times() == await times(sort=[{**by_arrival, "isAscending": False}])


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"limit": -1}, {"type": "invalidArguments", "arguments": ["limit"]}),
        ({"limit": "1"}, {"type": "invalidArguments", "arguments": ["limit"]}),
        ({"position": "1"}, {"type": "invalidArguments", "arguments": ["position"]}),
        ({"foo": 1}, {"type": "invalidArguments", "arguments": ["foo"]}),
        ({"sort": [{"property": "nonsense"}]}, {"type": "unsupportedSort", "sort": ["sort[0]"]}),
    ],
)
async def test_a_query_refuses_wrong_arguments(
    account: Account, arguments: dict[str, Any], error: dict[str, Any]
) -> None:
    await account.deliver(message("ann@x.example"))
    assert await account.refusal("Email/query", **arguments) == error


async def test_the_query_state_moves_with_the_result(account: Account) -> None:
    in_inbox = {"filter": {"inMailbox": (await account.mailboxes())["Inbox"]}}
    before = await account.call("Email/query", **in_inbox)
    assert (await account.call("Email/query", **in_inbox))["queryState"] == before["queryState"]
    await account.receive(message("ann@x.example"))
    after = await account.call("Email/query", **in_inbox)
    assert after["queryState"] != before["queryState"]
    assert after["filter"] == in_inbox["filter"]
