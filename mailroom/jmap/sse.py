r"""Decode the event-stream format (WHATWG HTML, section 9.2.6): bytes in, events out, no I/O.

The decoder knows nothing of JMAP or HTTP. It works in linear time however the bytes are cut, and in
bounded memory: an event that outgrows the limit is reported without its content.

Rules that are easily missed:

- One byte order mark is dropped, at the very start only.
- CR, LF and CRLF end a line; a CRLF that is cut in two ends one line.
- ``id`` takes effect at the blank line, with or without data. An ``id`` with a NUL is ignored.
- An event without a blank line before the end of the stream is dropped, and its id as well.
- ``retry`` consists of digits only.
"""

import re
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 1024 * 1024
"""Octets that one event may have."""

_BOM: Final = b"\xef\xbb\xbf"
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_MILLISECONDS: Final = re.compile(r"[0-9]{1,15}")
"""The specification sets no upper limit, but a longer time would never pass."""


@dataclass(frozen=True, slots=True)
class Event:
    """A dispatched event.

    Attributes:
        type: the ``event`` field, ``message`` if there was none.
        data: the ``data`` fields, joined by line feeds.
        id: the last event id at this moment; empty if there is none.
        oversized: True if the event outgrew the limit; ``type`` and ``data`` are then empty. An
            endless event is reported again each time it has filled the limit once more.
    """

    type: str
    data: str
    id: str
    oversized: bool = False


class SseDecoder:
    """One stream's decoder.

    Args:
        last_event_id: the id at which the stream is resumed; the server need not repeat it.
        limit: the largest number of octets of an event.

    Attributes:
        last_event_id: the id as of the last blank line; a reconnect sends it as ``Last-Event-ID``.
        retry: milliseconds to wait before reconnecting; None if the server ordered no pause.
    """

    def __init__(self, *, last_event_id: str = "", limit: int = LIMIT) -> None:
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self._limit = limit
        self._at_start = True
        self._after_cr = False
        self._line = bytearray()
        self._type = ""
        self._data: list[str] = []
        self._id = last_event_id
        self._size = 0
        self._overflowing = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Read the stream's next bytes, and return the events that they complete."""
        if not chunk:
            return []
        events: list[Event] = []
        start = 1 if self._after_cr and chunk.startswith(b"\n") else 0
        self._after_cr = chunk.endswith(b"\r")
        for line_end in _LINE_END.finditer(chunk, start):
            self._hold(chunk[start : line_end.start()], events)
            self._end_line(events)
            start = line_end.end()
        self._hold(chunk[start:], events)
        return events

    def _hold(self, piece: bytes, events: list[Event]) -> None:
        """Keep a piece of the current line, as long as its event stays within the limit."""
        self._size += len(piece)
        while self._size > self._limit:
            self._size -= self._limit
            self._overflowing = True
            events.append(Event("", "", self.last_event_id, oversized=True))
        if self._overflowing:
            self._data.clear()
            self._line[:] = piece[:1] or self._line[:1]  # shows that the line is not blank
        else:
            self._line += piece

    def _end_line(self, events: list[Event]) -> None:
        """Process the current line: a field, or the blank line at the end of an event."""
        line = bytes(self._line)
        self._line.clear()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if line:
            if not self._overflowing:
                self._add_field(line)
            return
        self.last_event_id = self._id
        if self._data:
            data = "\n".join(self._data)
            events.append(Event(self._type or "message", data, self.last_event_id))
        self._type = ""
        self._data.clear()
        self._size = 0
        self._overflowing = False

    def _add_field(self, line: bytes) -> None:
        name, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            return
        if name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and _MILLISECONDS.fullmatch(value):
            self.retry = int(value)
        # The line takes no more memory: its value replaced an earlier one, or is not kept.
        self._size -= len(line)
