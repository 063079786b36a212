"""The bodies of notices: JSON for ntfy, and JSON for any webhook. Pure."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from yarl import URL

from mailroom.notices.notice import Notice

MOST_BUTTONS: Final = 3
"""The largest number of buttons that ntfy accepts."""
_LONGEST_MESSAGE: Final = 4096
"""Octets of a message; ntfy makes a longer one an attachment."""
_LARGEST_BODY: Final = 8192
"""Octets of a body; ntfy refuses a larger one, because its limit is twice that of a message."""
_LONGEST_TITLE: Final = 250
"""Octets of a title, so that a title is never the reason why a body is too large."""
_MOST_LISTED: Final = 100
"""The largest number of senders that the body for a webhook lists."""
_TAG: Final = "envelope"
"""A tag that ntfy shows as an emoji."""


def ntfy_request(target: URL, notice: Notice) -> tuple[URL, bytes]:
    """Return the address and the body that publish a notice as JSON on an ntfy topic.

    A message in JSON is sent to the root of the server, and names the topic.
    """
    topic, root = target.name, target.with_path("/")
    body = _ntfy_body(topic, notice)
    if len(body) > _LARGEST_BODY:
        # Only an address of hundreds of characters makes links so long.
        body = _ntfy_body(topic, replace(notice, url="", buttons=(), message=notice.title))
    return root, body


def _ntfy_body(topic: str, notice: Notice) -> bytes:
    fields: dict[str, Any] = {
        "topic": topic,
        "title": cut(notice.title, _LONGEST_TITLE),
        "message": cut(notice.message, _LONGEST_MESSAGE),
        "priority": 3,
        "tags": [_TAG],
    }
    if notice.url:
        fields["click"] = notice.url
    if notice.buttons:
        fields["actions"] = [
            {
                "action": "http",
                "label": button.label,
                "url": button.url,
                "method": "POST",
                "clear": True,
            }
            for button in notice.buttons[:MOST_BUTTONS]
        ]
    return _encoded(fields)


def is_ntfy_answer(body: bytes) -> bool:
    """Return True if this is ntfy's answer to a notice: JSON about the message that it sends."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and answer.get("event") == "message"


def webhook_body(notice: Notice) -> bytes:
    """Return the body of a notice for a webhook; docs/first-contact.md describes its members."""
    return _encoded(
        {
            "event": "waiting" if notice.count else "test",
            "account": notice.account,
            "title": notice.title,
            "message": notice.message,
            "count": notice.count,
            "waiting": notice.waiting[:_MOST_LISTED],
            "url": notice.url or None,
            "answers": [{"category": button.label, "url": button.url} for button in notice.buttons],
        }
    )


def cut(text: str, octets: int) -> str:
    """Return a text, cut to at most ``octets`` octets in UTF-8."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= octets:
        return encoded.decode()
    ellipsis = "…"
    return encoded[: octets - len(ellipsis.encode())].decode(errors="ignore") + ellipsis


def _encoded(fields: Mapping[str, Any]) -> bytes:
    # Escapes would make a message in another script three times as long.
    return json.dumps(fields, ensure_ascii=False).encode(errors="replace")
