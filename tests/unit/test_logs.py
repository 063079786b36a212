"""The form of log lines, and that no secret gets into one, by whichever door."""

import asyncio
import io
import json
import logging
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from mailroom.logs import Format, configure_logging, redactor

TOKEN = "fmu1-0123-abcdef-fake"
ODD = "pa\"ss\\wö rd'€"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(format: Format = "json", *, level: str = "info") -> io.StringIO:  # noqa: A002 - as in logs
    stream = io.StringIO()
    configure_logging(level=level, format=format, secrets=[TOKEN, ODD], stream=stream)
    return stream


def test_an_event_is_a_line_of_json_that_begins_with_its_time() -> None:
    stream = configured()

    structlog.get_logger("mailroom.x").info("pass done", senders=2, who="Müller")

    [event] = lines(stream)
    assert list(event) == ["timestamp", "level", "logger", "event", "senders", "who"]
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "level": "info",
        "logger": "mailroom.x",
        "event": "pass done",
        "senders": 2,
        "who": "Müller",
    }
    assert "Müller" in stream.getvalue()


def test_other_libraries_take_the_same_way() -> None:
    stream = configured()

    logging.getLogger("aiohttp.server").warning("odd request from %s", "192.0.2.1")

    [event] = lines(stream)
    assert (event["level"], event["logger"], event["event"]) == (
        "warning",
        "aiohttp.server",
        "odd request from 192.0.2.1",
    )


def test_warnings_take_the_same_way() -> None:
    stream = configured()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)

    [event] = lines(stream)
    assert event["logger"] == "py.warnings"
    assert "DeprecationWarning: old" in event["event"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [("debug", "deiw"), ("info", "eiw"), ("warning", "ew"), ("error", "e")],
)
def test_the_level_holds_for_both_kinds_of_loggers(level: str, expected: str) -> None:
    stream = configured(level=level)

    for log in (structlog.get_logger("ours"), logging.getLogger("theirs")):
        for method in ("debug", "info", "warning", "error"):
            getattr(log, method)(method)

    for name in ("ours", "theirs"):
        found = [event["event"][0] for event in lines(stream) if event["logger"] == name]
        assert sorted(found) == sorted(expected)


def test_auto_is_console_on_a_terminal_and_json_elsewhere() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure_logging(level="info", stream=stream)
        structlog.get_logger("x").info("hello", n=1)

    assert json.loads(pipe.getvalue())["event"] == "hello"
    assert "\x1b[" in terminal.getvalue()
    assert "hello" in terminal.getvalue()
    with pytest.raises(ValueError, match="char 0"):
        json.loads(terminal.getvalue())


def test_console_without_a_terminal_has_no_colours() -> None:
    stream = configured("console")

    structlog.get_logger("x").info("hello", n=1)

    assert "\x1b" not in stream.getvalue()
    assert "hello" in stream.getvalue()
    assert "n=1" in stream.getvalue()


def test_the_log_goes_to_standard_error_by_default(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(level="info", format="json")

    structlog.get_logger("x").info("hello")

    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "hello"


def test_without_a_standard_error_nothing_is_logged_and_nothing_breaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that is started with it closed has none."""
    monkeypatch.setattr("sys.stderr", None)
    configure_logging(level="info")
    structlog.get_logger("test").error("nobody hears this")


def test_configuring_again_replaces_what_was_there() -> None:
    first, second = configured(), configured()

    structlog.get_logger("x").info("hello")

    assert first.getvalue() == ""
    assert len(lines(second)) == 1


def test_a_logger_made_before_is_configured_too() -> None:
    log = structlog.get_logger("early")
    stream = configured()

    log.info("hello")

    assert lines(stream)[0]["logger"] == "early"


class Shy:
    def __repr__(self) -> str:
        return f"<Shy {TOKEN} {ODD!r}>"


def raise_with_secret() -> None:
    hidden_in_a_frame = [TOKEN, ODD]
    raise ValueError(f"refused: {hidden_in_a_frame[0]} and {hidden_in_a_frame[1]}")


def log_values(ours: Any, theirs: logging.Logger) -> None:
    ours.info(f"got {TOKEN}", secret=ODD, nested={"a": [{"b": (TOKEN, ODD)}]}, shy=Shy())
    theirs.info("got %s %r %s", TOKEN, ODD, {"a": [ODD, TOKEN.encode(), ODD.encode()]})
    theirs.info("json %s", json.dumps(json.dumps([TOKEN, ODD])))


def log_keys(ours: Any, theirs: logging.Logger) -> None:
    ours.bind(**{TOKEN: 1}).info("keys", mapping={ODD: TOKEN})
    theirs.info({TOKEN: ODD})


def raise_with_causes() -> None:
    try:
        raise_with_secret()
    except ValueError as error:
        error.add_note(TOKEN)
        raise RuntimeError(ODD) from ExceptionGroup(TOKEN, [error])


def log_exceptions(ours: Any, theirs: logging.Logger) -> None:
    try:
        raise_with_causes()
    except RuntimeError as error:
        ours.exception("failed")
        theirs.exception("failed")
        ours.error("again", exc_info=error)


def log_urls(ours: Any, theirs: logging.Logger) -> None:
    ours.info("get", url=f"https://example.com/?t={quote(ODD)}&u={quote(ODD, safe='')}&v={TOKEN}")
    theirs.info("GET https://example.com/%s", TOKEN)


def log_debugging(ours: Any, theirs: logging.Logger) -> None:
    ours.info("stack", stack_info=True, token=TOKEN)
    theirs.info("stack %s", TOKEN, stack_info=True)


WAYS: list[Callable[[Any, logging.Logger], None]] = [
    log_values,
    log_keys,
    log_exceptions,
    log_urls,
    log_debugging,
]


@pytest.mark.parametrize("log", WAYS)
@pytest.mark.parametrize("format", ["json", "console"])
def test_a_secret_never_shows_by_whichever_way_it_comes(
    format: Format,  # noqa: A002 - as in logs
    log: Callable[[Any, logging.Logger], None],
) -> None:
    stream = configured(format)

    log(structlog.get_logger("ours"), logging.getLogger("theirs"))

    text = stream.getvalue()
    assert "***" in text
    for form in (TOKEN, ODD, ODD[:6], "wö", "w\\u00f6", "w\\xf6", "w\\xc3\\xb6", "w%C3%B6"):
        assert form not in text
    if format == "json":
        assert len(lines(stream)) >= 2


async def test_a_forgotten_tasks_exception_is_logged_without_secrets() -> None:
    stream = configured()

    async def fail() -> None:
        raise_with_secret()

    task = asyncio.create_task(fail(), name="doomed")
    await asyncio.wait([task])
    asyncio.get_running_loop().call_exception_handler(
        {"message": "never retrieved", "exception": task.exception(), "task": task}
    )

    assert lines(stream)[0]["logger"] == "asyncio"
    assert TOKEN not in stream.getvalue()


def test_tracebacks_name_places_and_no_values_of_variables() -> None:
    stream = configured()

    try:
        raise_with_secret()
    except ValueError:
        structlog.get_logger("x").exception("failed")

    [exception] = lines(stream)[0]["exception"]
    assert exception["exc_value"] == "refused: *** and ***"
    assert [frame["name"] for frame in exception["frames"]][-1] == "raise_with_secret"
    assert "hidden_in_a_frame" not in stream.getvalue()


BASIC = b64encode(b"alice:password").decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc.def-123", "Authorization: ***"),
        ("authorization: Digest username=x, response=y", "authorization: ***"),
        ("Proxy-Authorization: Custom x\r\nHost: y", "Proxy-Authorization: ***\r\nHost: y"),
        (f"{{'Authorization': 'Basic {BASIC}', 'a': 1}}", "{'Authorization': '***', 'a': 1}"),
        ('{"Authorization": "Custom x y", "a": 1}', '{"Authorization": "***", "a": 1}'),
        ("(b'Authorization', b'Custom x')", "(b'Authorization', b'***')"),
        (r'"{\"Authorization\": \"Custom x\"}"', r'"{\"Authorization\": \"***\"}"'),
        ("sent bearer abc123 twice", "sent bearer *** twice"),
        (f"sent Basic {BASIC}!", "sent Basic ***!"),
        ("?auth=Bearer%20abc", "?auth=Bearer%20***"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_credentials_is_hidden_even_if_unknown(text: str, expected: str) -> None:
    assert redactor([])(text) == expected


def test_of_two_secrets_in_each_other_the_longer_one_goes_first() -> None:
    assert redactor(["abcd", "abcdefgh"])("abcdefgh abcd") == "*** ***"


def test_secrets_as_short_as_words_are_not_hidden() -> None:
    assert redactor(["", "abc"])("abc") == "abc"


WRITINGS = st.sampled_from(
    [
        str,
        repr,
        ascii,
        json.dumps,
        quote,
        quote_plus,
        lambda text: repr(text.encode()),
        lambda text: repr([text, "\"'"]),
        lambda text: repr(f"\"'{text}"),
        lambda text: json.dumps({text: 1}, ensure_ascii=False),
    ]
)


@given(
    secret=st.text(st.characters(codec="utf-8"), min_size=4, max_size=12),
    inner=WRITINGS,
    outer=st.sampled_from([str, repr, ascii, json.dumps]),
)
def test_a_secret_of_any_characters_is_hidden_in_any_writing(
    secret: str, inner: Callable[[str], str], outer: Callable[[str], str]
) -> None:
    written = outer(f"<{inner(secret)}>")

    assert "***" in redactor([secret])(written)


def test_names_of_senders_cannot_command_the_terminal() -> None:
    stream = Terminal()
    configure_logging(level="info", stream=stream)

    structlog.get_logger("x").info("sender", who="\x1b[2J\x1b]0;title\x07")
    logging.getLogger("y").info("sender \x1b[2J\x1b]0;title\x07 \x9b")

    text = stream.getvalue()
    for command in ("\x1b[2J", "\x1b]", "\x07", "\x9b"):
        assert command not in text


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_half_a_character_and_what_is_no_utf8_loses_no_line(log_format: Format) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    configure_logging(level="info", format=log_format, stream=stream)
    structlog.get_logger("mailroom").info(
        "contact", name="Half \ud83d", raw=b"\xff".decode("utf-8", "surrogateescape")
    )
    stream.flush()
    line = stream.buffer.getvalue().decode()
    assert "Half \\ud83d" in line
    if log_format == "json":
        assert json.loads(line)["name"] == "Half \ud83d"
        assert json.loads(line)["raw"] == "\udcff"
