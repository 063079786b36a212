"""The session resource: its URLs, limits and accounts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from mailroom.http import BrokenAnswerError
from mailroom.jmap.errors import SessionError
from mailroom.jmap.session import CORE, MAIL, SUBMISSION, Limits, Session, parse_session

URL_ = URL("https://mail.example.com/jmap/session")
CONTACTS = "urn:ietf:params:jmap:contacts"


def cyrus(**changes: Any) -> dict[str, Any]:
    """What a Cyrus server says, shortened."""
    return {
        "username": "alice",
        "apiUrl": "/jmap/",
        "downloadUrl": "/jmap/download/{accountId}/{blobId}/{name}?accept={type}",
        "uploadUrl": "/jmap/upload/{accountId}/",
        "eventSourceUrl": "/jmap/eventsource/?types={types}&closeafter={closeafter}&ping={ping}",
        "state": "0",
        "capabilities": {
            CORE: {
                "maxSizeUpload": 1073741824,
                "maxConcurrentUpload": 5,
                "maxSizeRequest": 10485760,
                "maxConcurrentRequests": 5,
                "maxCallsInRequest": 50,
                "maxObjectsInGet": 4096,
                "maxObjectsInSet": 4097,
                "collationAlgorithms": [],
            },
            "urn:ietf:params:jmap:core:backendInfo": {"backend": None},
            MAIL: {},
            "urn:ietf:params:jmap:websocket": {"url": "wss:/jmap/ws/", "supportsPush": True},
        },
        "accounts": {
            "alice": {
                "name": "alice",
                "isPersonal": True,
                "isReadOnly": False,
                "accountCapabilities": {MAIL: {"maxMailboxDepth": None}, SUBMISSION: {}},
            }
        },
        "primaryAccounts": {MAIL: "alice", SUBMISSION: "alice"},
        **changes,
    }


def parsed(url: URL = URL_, **changes: Any) -> Session:
    return parse_session(cyrus(**changes), url)


def test_a_real_session_is_read() -> None:
    session = parse_session(cyrus(), URL("http://127.0.0.1:9008/jmap/"))
    assert session.api_url == URL("http://127.0.0.1:9008/jmap/")
    assert session.event_source_template == (
        "http://127.0.0.1:9008/jmap/eventsource/?types={types}&closeafter={closeafter}&ping={ping}"
    )
    assert (session.username, session.state) == ("alice", "0")
    assert MAIL in session.capabilities
    assert session.limits == Limits(10485760, 5, 50, 4096, 4097)
    assert session.account_for(MAIL) == "alice"


@pytest.mark.parametrize(
    ("api_url", "expected"),
    [
        ("/jmap/", "https://mail.example.com/jmap/"),
        ("api/", "https://mail.example.com/jmap/api/"),
        ("../api?x=1", "https://mail.example.com/api?x=1"),
        ("//api.example.com/jmap", "https://api.example.com/jmap"),
        ("https://api.example.com:8443/jmap/api", "https://api.example.com:8443/jmap/api"),
    ],
)
def test_the_api_url_is_resolved_against_where_the_session_came_from(
    api_url: str, expected: str
) -> None:
    assert parsed(apiUrl=api_url).api_url == URL(expected)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "/es/?types={types}&ping={ping}",
            "https://mail.example.com/es/?types={types}&ping={ping}",
        ),
        ("es?types={types}", "https://mail.example.com/jmap/es?types={types}"),
        ("https://push.example.com/es{?types,ping}", "https://push.example.com/es{?types,ping}"),
        ("//push.example.com/es?t={types}", "https://push.example.com/es?t={types}"),
        ("/es?next=https://x/&t={types}", "https://mail.example.com/es?next=https://x/&t={types}"),
        ("{x}://odd", "https://mail.example.com/jmap/{x}://odd"),
        ("https://mail.example.com/es", "https://mail.example.com/es"),
        ("", ""),
        (None, ""),
    ],
)
def test_the_event_source_template_becomes_absolute_and_keeps_its_braces(
    template: str | None, expected: str
) -> None:
    assert parsed(eventSourceUrl=template).event_source_template == expected


def test_a_template_keeps_the_port_and_what_is_encoded_in_the_path() -> None:
    session = parsed(URL("http://[::1]:8080/a%2Fb/session"), eventSourceUrl="es?t={types}")
    assert session.event_source_template == "http://[::1]:8080/a%2Fb/es?t={types}"


def test_no_user_of_the_session_url_gets_into_the_template() -> None:
    session = parsed(URL("https://eve:pw@mail.example.com/jmap"), eventSourceUrl="/es?t={types}")
    assert session.event_source_template == "https://mail.example.com/es?t={types}"


def test_the_event_source_is_optional() -> None:
    body = cyrus()
    del body["eventSourceUrl"]
    assert parse_session(body, URL_).event_source_template == ""


LEAST = Limits(
    max_size_request=10_000_000,
    max_concurrent_requests=4,
    max_calls_in_request=16,
    max_objects_in_get=500,
    max_objects_in_set=500,
)


@pytest.mark.parametrize("core", [{}, None])
def test_limits_default_to_what_the_rfc_recommends_at_least(core: dict[str, Any] | None) -> None:
    assert parsed(capabilities={CORE: core}).limits == LEAST
    assert parsed(capabilities={}).limits == LEAST


@pytest.mark.parametrize("nonsense", [0, -1, None, True, "5", 2.5, [], {}])
@pytest.mark.parametrize(
    "name",
    [
        "maxSizeRequest",
        "maxConcurrentRequests",
        "maxCallsInRequest",
        "maxObjectsInGet",
        "maxObjectsInSet",
    ],
)
def test_a_limit_that_is_nonsense_is_taken_as_not_said(name: str, nonsense: object) -> None:
    assert parsed(capabilities={CORE: {name: nonsense}}).limits == LEAST


def account(*capabilities: str) -> dict[str, Any]:
    return {"accountCapabilities": {capability: {} for capability in capabilities}}


SHARED = {"own": account(MAIL), "shared": account(MAIL), "contacts-only": account(CONTACTS)}


def test_the_primary_account_is_used() -> None:
    session = parsed(accounts=SHARED, primaryAccounts={MAIL: "own", CONTACTS: "contacts-only"})
    assert session.account_for(MAIL) == "own"
    assert session.account_for(CONTACTS) == "contacts-only"


def test_the_account_that_the_user_wants_comes_first() -> None:
    session = parsed(accounts=SHARED, primaryAccounts={MAIL: "own"})
    assert session.account_for(MAIL, wanted="shared") == "shared"


@pytest.mark.parametrize("primary", [{}, None, {CONTACTS: "only"}])
def test_the_only_account_needs_no_primary(primary: dict[str, str] | None) -> None:
    session = parsed(accounts={"only": account(MAIL)}, primaryAccounts=primary)
    assert session.account_for(MAIL) == "only"


def test_of_several_accounts_none_is_guessed() -> None:
    session = parsed(accounts=SHARED, primaryAccounts={})
    with pytest.raises(SessionError) as caught:
        session.account_for(MAIL)
    assert "no primary account" in str(caught.value)
    assert "contacts-only, own, shared" in str(caught.value)


def test_an_unknown_account_is_named_with_those_there_are() -> None:
    with pytest.raises(SessionError) as caught:
        parsed(accounts=SHARED).account_for(MAIL, wanted="bob")
    assert "'bob'" in str(caught.value)
    assert "contacts-only, own, shared" in str(caught.value)


def test_an_account_without_mail_is_refused() -> None:
    session = parsed(accounts=SHARED, primaryAccounts={MAIL: "contacts-only"})
    with pytest.raises(SessionError) as caught:
        session.account_for(MAIL)
    assert "'contacts-only' lacks urn:ietf:params:jmap:mail" in str(caught.value)


def test_credentials_without_any_account_are_reported() -> None:
    with pytest.raises(SessionError) as caught:
        parsed(accounts={}, primaryAccounts={}).account_for(MAIL)
    assert "accounts: none" in str(caught.value)


def test_an_account_may_say_nothing_of_its_capabilities() -> None:
    session = parsed(accounts={"a": {}, "b": {"accountCapabilities": None}})
    assert session.accounts == {"a": frozenset(), "b": frozenset()}


@pytest.mark.parametrize("name", ["apiUrl", "capabilities", "accounts"])
@pytest.mark.parametrize("value", [None, "", 5, [1], "http://[::1"])
def test_what_is_no_session_is_a_broken_answer(name: str, value: object) -> None:
    with pytest.raises(BrokenAnswerError) as caught:
        parse_session(cyrus() | {name: value}, URL_)
    assert "not a JMAP session resource" in str(caught.value)


@pytest.mark.parametrize("name", ["apiUrl", "capabilities", "accounts"])
def test_what_must_be_there_is_missed(name: str) -> None:
    body = cyrus()
    del body[name]
    with pytest.raises(BrokenAnswerError):
        parse_session(body, URL_)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_other_json_is_a_broken_answer(body: object) -> None:
    with pytest.raises(BrokenAnswerError):
        parse_session(body, URL_)


@given(st.sampled_from(sorted(cyrus())), JSON)
def test_nonsense_anywhere_never_makes_it_stumble(name: str, value: object) -> None:
    try:
        session = parse_session(cyrus() | {name: value}, URL_)
    except BrokenAnswerError:
        return
    assert session.api_url.host
