import pytest
from yarl import URL

from mailroom.jmap.eventsource import event_source_url
from mailroom.jmap.push_backoff import PushUnavailableError

BASE = "https://jmap.example.com/events"


def expand(template: str) -> URL:
    return event_source_url(template, types=["Email", "Mailbox"], ping=30)


@pytest.mark.parametrize(
    ("template", "path", "query"),
    [
        pytest.param(
            BASE + "/?types={types}&closeafter={closeafter}&ping={ping}",
            "/events/",
            {"types": "Email,Mailbox", "closeafter": "no", "ping": "30"},
            id="Cyrus, Stalwart",
        ),
        pytest.param(
            BASE + "?types={types}&closeAfter={closeAfter}&ping={ping}",
            "/events",
            {"types": "Email,Mailbox", "closeAfter": "no", "ping": "30"},
            id="James",
        ),
        pytest.param(
            BASE,
            "/events",
            {"types": "Email,Mailbox", "closeafter": "no", "ping": "30"},
            id="no variables",
        ),
        pytest.param(
            BASE + "/?user=me%40example.com",
            "/events/",
            {"user": "me@example.com", "types": "Email,Mailbox", "closeafter": "no", "ping": "30"},
            id="no variables, but a query",
        ),
        pytest.param(
            BASE + "/{ping}/",
            "/events/30/",
            {"types": "Email,Mailbox", "closeafter": "no"},
            id="some variables, but no types",
        ),
        pytest.param(
            BASE + "/{types}?ping={ping}",
            "/events/Email,Mailbox",
            {"ping": "30"},
            id="types, and the server's own idea of the rest",
        ),
        pytest.param(
            BASE + "?types={types}&x={unheardOf}",
            "/events",
            {"types": "Email,Mailbox", "x": ""},
            id="a variable that means nothing to us",
        ),
    ],
)
def test_the_template_becomes_a_url(template: str, path: str, query: dict[str, str]) -> None:
    url = expand(template)
    assert url.origin() == URL("https://jmap.example.com")
    assert (url.path, dict(url.query)) == (path, query)


def test_values_cannot_break_out_of_their_place() -> None:
    url = event_source_url(BASE + "?types={types}", types=["Email&x=y", "*#"], ping=30)
    assert dict(url.query) == {"types": "Email&x=y,*#"}
    assert url.fragment == ""


@pytest.mark.parametrize("template", ["", "https://jmap.example.com:port/{types}"])
def test_without_a_url_there_is_no_push(template: str) -> None:
    with pytest.raises(PushUnavailableError, match="eventSourceUrl"):
        expand(template)
