"""Where the session says that push over WebSocket is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from mailroom.jmap.session import CORE, WEBSOCKET, parse_session

HERE = "https://mail.example.com/jmap/session"


def push_url(capability: Any, session_url: str = HERE) -> URL | None:
    body = {"apiUrl": "/api", "capabilities": {CORE: {}, WEBSOCKET: capability}, "accounts": {}}
    return parse_session(body, URL(session_url)).websocket_url


@pytest.mark.parametrize(
    ("said", "session_url", "expected"),
    [
        pytest.param(
            "wss:/jmap/ws/",
            "http://127.0.0.1:9008/jmap/",
            "ws://127.0.0.1:9008/jmap/ws/",
            id="Cyrus, without TLS",
        ),
        pytest.param(
            "wss:/jmap/ws/", HERE, "wss://mail.example.com/jmap/ws/", id="Cyrus, with TLS"
        ),
        ("ws:/jmap/ws/", HERE, "wss://mail.example.com/jmap/ws/"),
        ("WSS:/ws", HERE, "wss://mail.example.com/ws"),
        ("wss:///ws", HERE, "wss://mail.example.com/ws"),
        ("wss:ws", HERE, "wss://mail.example.com/ws"),
        ("/ws?x=1", "https://a.example:8443/jmap", "wss://a.example:8443/ws?x=1"),
        ("ws", HERE, "wss://mail.example.com/jmap/ws"),
        ("//push.example.com/ws", HERE, "wss://push.example.com/ws"),
        ("https://push.example.com/ws", HERE, "wss://push.example.com/ws"),
        pytest.param(
            "wss://push.example.com:8443/ws",
            "http://127.0.0.1:9008/jmap/",
            "wss://push.example.com:8443/ws",
            id="absolute: as it is",
        ),
        ("ws://127.0.0.1:8080/ws", HERE, "ws://127.0.0.1:8080/ws"),
        ("wss://[::1]:8080/ws", HERE, "wss://[::1]:8080/ws"),
        ("wss:/ws#top", "https://eve:pw@a.example/", "wss://a.example/ws"),
        ("wss://eve:pw@a.example/ws", HERE, "wss://a.example/ws"),
    ],
)
def test_the_url_becomes_absolute(said: str, session_url: str, expected: str) -> None:
    assert push_url({"url": said, "supportsPush": True}, session_url) == URL(expected)


@pytest.mark.parametrize(
    "capability",
    [
        pytest.param(None, id="not offered"),
        pytest.param({"url": "wss:/ws", "supportsPush": False}, id="requests, but no push"),
        pytest.param({"url": "wss:/ws"}, id="nothing said of push"),
        pytest.param({"supportsPush": True}, id="no URL"),
        pytest.param({"url": "", "supportsPush": True}, id="an empty URL"),
        pytest.param({"url": None, "supportsPush": True}, id="null"),
        pytest.param({"url": "wss://[half", "supportsPush": True}, id="no URL at all"),
        pytest.param({"url": "wss://host:port/", "supportsPush": True}, id="no port"),
        pytest.param({"url": "ftp://host/ws", "supportsPush": True}, id="another scheme"),
        pytest.param([], id="a list"),
    ],
)
def test_without_push_or_a_url_there_is_none(capability: Any) -> None:
    assert push_url(capability) is None


@given(st.text())
def test_no_text_makes_it_stumble(said: str) -> None:
    url = push_url({"url": said, "supportsPush": True})
    assert url is None or (url.scheme in {"ws", "wss"} and url.host)
