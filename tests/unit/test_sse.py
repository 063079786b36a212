"""The event-stream decoder: each case whole, byte by byte, and cut at random."""

import tracemalloc
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.jmap.sse import Event, SseDecoder

LONG_COMMENT = b":" + b"x" * 2048


@dataclass(frozen=True)
class Case:
    """A stream and what is to come of it: (type, data, id) of each event, last id, retry."""

    stream: bytes
    events: list[tuple[str, str, str]]
    last_event_id: str = ""
    retry: int | None = None


def message(data: str, event_id: str = "") -> tuple[str, str, str]:
    return ("message", data, event_id)


# Named like the web-platform-tests whose rules they show.
CASES = {
    "format-bom": Case(
        b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n", [message("1"), message("3")]
    ),
    "format-bom-2": Case(
        b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\ndata:3\n\n", [message("2"), message("3")]
    ),
    "format-comments": Case(
        b"data:1\r:\0\n:\r\ndata:2\n%b\rdata:3\n:data:no\r%b\ndata:4\n\n"
        % (LONG_COMMENT, LONG_COMMENT),
        [message("1\n2\n3\n4")],
    ),
    "format-data-before-final-empty-line": Case(
        b"retry:1000\ndata:one\n\nid:lost\ndata:two", [message("one")], retry=1000
    ),
    "format-data-before-final-empty-line, the line itself complete": Case(
        b"id:kept\ndata:one\n\nid:lost\ndata:two\n", [message("one", "kept")], "kept"
    ),
    "format-field-data": Case(
        b"data:\n\ndata\ndata\n\ndata:test\n\n", [message(""), message("\n"), message("test")]
    ),
    "format-field-event": Case(
        b"event:test\ndata:x\n\ndata:y\n\n", [("test", "x", ""), message("y")]
    ),
    "format-field-event, without data it lasts no longer than its block": Case(
        b"event:test\n\ndata:x\n\n", [message("x")]
    ),
    "format-field-event-empty": Case(b"event: \ndata:x\n\n", [message("x")]),
    "format-field-id": Case(b"id: 7\ndata:x\n\n", [message("x", "7")], "7"),
    "format-field-id, not ASCII": Case(
        "id: …\ndata:x\n\n".encode(), [message("x", "\N{HORIZONTAL ELLIPSIS}")], "…"
    ),
    "format-field-id-2, taken without data": Case(b"id: 7\n\n", [], "7"),
    "format-field-id-2, a comment after it makes no event": Case(
        b"id: 7\n\n: still here\n\n", [], "7"
    ),
    "format-field-id-3, persists": Case(
        b"id: 1\ndata:1\n\ndata:2\n\n", [message("1", "1"), message("2", "1")], "1"
    ),
    "format-field-id-3, changes and persists": Case(
        b"id: 1\ndata:1\n\nid: 2\ndata:2\n\ndata:3\n\n",
        [message("1", "1"), message("2", "2"), message("3", "2")],
        "2",
    ),
    "format-field-id-3, resets": Case(
        b"id: 1\ndata:1\n\nid:\ndata:2\n\ndata:3\n\n",
        [message("1", "1"), message("2"), message("3")],
    ),
    "format-field-id-3, resets without a colon": Case(
        b"id: 1\ndata:1\n\nid\ndata:2\n\n", [message("1", "1"), message("2")]
    ),
    "format-field-id-null": Case(
        b"id: 1\ndata:1\n\nid: \0\0\ndata:2\n\nid: a\0b\ndata:3\n\n",
        [message("1", "1"), message("2", "1"), message("3", "1")],
        "1",
    ),
    "format-field-parsing": Case(
        b"data:\0\ndata:  2\rData:no\ndata\0:no\ndata:1\r\0data:no\nda-ta:no\rdata_5\ndata:3\r"
        b"data:\r\n data:no\ndata:4\n\n",
        [message("\0\n 2\n1\n3\n\n4")],
    ),
    "format-field-parsing, only the first colon parts": Case(b"data: a:b\n\n", [message("a:b")]),
    "format-field-retry": Case(b"retry:3000\ndata:x\n\n", [message("x")], retry=3000),
    "format-field-retry, before any blank line": Case(b"retry: 3000\n", [], retry=3000),
    "format-field-retry-bogus": Case(
        b"retry:3000\nretry:1000x\nretry:-1\nretry:+1\nretry:1.5\nretry: \xd9\xa3\ndata:x\n\n",
        [message("x")],
        retry=3000,
    ),
    "format-field-retry-bogus, a number beyond all time": Case(
        b"retry:" + b"9" * 5000 + b"\ndata:x\n\n", [message("x")]
    ),
    "format-field-retry-empty": Case(b"retry\nretry:\ndata:x\n\n", [message("x")]),
    "format-field-unknown": Case(
        b"data:test\n data\ndata\nfoobar:x\njust some text\n:a comment\ndata:test\n\n",
        [message("test\n\ntest")],
    ),
    "format-leading-space": Case(
        b"data:\ttest\rdata: \ndata:test\n\n", [message("\ttest\n\ntest")]
    ),
    "format-newlines": Case(
        b"data:a\r\ndata\ndata:b\r\n\rdata:c\r\rdata:d\r\n\r\n",
        [message("a\n\nb"), message("c"), message("d")],
    ),
    "format-newlines, only CR, LF and CRLF are such": Case(
        "data:a\v\f\x1c\x85\N{LINE SEPARATOR}b\n\n".encode(),
        [message("a\v\f\x1c\x85\N{LINE SEPARATOR}b")],
    ),
    "format-null-character": Case(b"data:\0\n\n\n\n", [message("\0")]),
    "format-utf-8": Case("data:ok… 😀\n\n".encode(), [message("ok… 😀")]),
    "format-utf-8, broken": Case(b"data:a\xffb\xe2\x80\ndata:c\n\n", [message("a�b�\nc")]),
}

cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def decode(pieces: list[bytes]) -> Case:
    """What the decoder makes of a stream that comes in these pieces."""
    decoder = SseDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return Case(
        b"".join(pieces),
        [(event.type, event.data, event.id) for event in events],
        decoder.last_event_id,
        decoder.retry,
    )


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    ends = [*sorted(place % (len(stream) + 1) for place in places), len(stream)]
    starts = [0, *ends[:-1]]
    return [stream[start:end] for start, end in zip(starts, ends, strict=True)]


@cases
def test_decodes_byte_by_byte(case: Case) -> None:
    assert decode([bytes([octet]) for octet in case.stream]) == case


@cases
def test_decodes_cut_once_at_every_place(case: Case) -> None:
    for place in range(min(len(case.stream), 300)):
        assert decode([case.stream[:place], case.stream[place:]]) == case


@given(case=st.sampled_from(list(CASES.values())), places=st.lists(st.integers(0, 10_000)))
def test_decodes_cut_anywhere(case: Case, places: list[int]) -> None:
    assert decode(cut(case.stream, places)) == case


fragments = st.sampled_from(
    [b"data", b"event", b"id", b"retry", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"7", b"\0"]
) | st.sampled_from([b"\xef\xbb\xbf", b"\xc3", b"\xa9", b"x"])


@given(parts=st.lists(fragments | st.binary(max_size=3)), places=st.lists(st.integers(0, 10_000)))
def test_any_stream_decodes_alike_however_it_is_cut(parts: list[bytes], places: list[int]) -> None:
    stream = b"".join(parts)
    assert decode(cut(stream, places)) == decode([stream])


@given(
    parts=st.lists(fragments | st.just(b"y" * 7)),
    places=st.lists(st.integers(0, 10_000)),
    limit=st.integers(1, 30),
)
def test_what_is_oversized_does_not_hang_on_the_cuts(
    parts: list[bytes], places: list[int], limit: int
) -> None:
    stream = b"".join(parts)
    whole, pieces = SseDecoder(limit=limit), SseDecoder(limit=limit)
    expected = whole.feed(stream)
    assert [e for piece in cut(stream, places) for e in pieces.feed(piece)] == expected
    assert pieces.last_event_id == whole.last_event_id


def test_an_event_within_the_limit_is_whole() -> None:
    event = b"id: 1\ndata: " + b"x" * 94 + b"\n\n"
    assert SseDecoder(limit=100).feed(event) == [Event("message", "x" * 94, "1")]


def test_an_oversized_event_is_reported_at_once_and_the_next_is_whole() -> None:
    decoder = SseDecoder(limit=100)
    assert decoder.feed(b"id: 1\ndata: " + b"x" * 95) == [Event("", "", "", oversized=True)]
    assert decoder.feed(b"\ndata: more\n\ndata: next\n\n") == [Event("message", "next", "1")]


def test_an_event_of_many_small_lines_is_oversized_too() -> None:
    events = SseDecoder(limit=100).feed(b"data: abc\n" * 12 + b"\n")
    assert events == [Event("", "", "", oversized=True)]


def test_lines_that_hold_nothing_of_an_event_do_not_count_together() -> None:
    stream = b"retry: 5\n: just a comment\nunknown: field\n" * 100 + b"data: x\n\n"
    assert SseDecoder(limit=100).feed(stream) == [Event("message", "x", "")]


def test_an_endless_line_is_reported_again_and_again() -> None:
    decoder = SseDecoder(limit=100)
    events = [event for _ in range(1000) for event in decoder.feed(b"x")]
    assert events == [Event("", "", "", oversized=True)] * 9


@pytest.mark.parametrize("piece", [b"x" * 10_000, b"data: abc\n" * 1000, b"data\n" * 2000])
def test_memory_stays_bounded_in_an_endless_event(piece: bytes) -> None:
    limit = 50_000
    decoder = SseDecoder(limit=limit)
    tracemalloc.start()
    try:
        for _ in range(80):
            decoder.feed(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * limit


def test_a_resumed_stream_keeps_its_position_until_the_server_sends_another() -> None:
    decoder = SseDecoder(last_event_id="45")
    assert decoder.feed(b"event: ping\ndata: {}\n\n") == [Event("ping", "{}", "45")]
    assert decoder.last_event_id == "45"
    decoder.feed(b"id: 46\n\n")
    assert decoder.last_event_id == "46"
