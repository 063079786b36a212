"""Logging: its set-up, its form, and the removal of secrets from every line.

Every line goes to one stream, standard error unless another is given: standard output is for the
answer of a command (``--json``), and containers collect both. Our own events and those of other
libraries pass through one handler and one formatter. The formatter's last step hides secrets in
the finished line, wherever they came from: a value, an exception's text, the ``repr`` of an object.

Tracebacks contain no values of variables.
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final, Literal, TextIO
from urllib.parse import quote, quote_plus

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["auto", "console", "json"]

_MASK: Final = "***"
_SHORTEST: Final = 4
"""Characters. A shorter secret is not hidden, because it occurs in too many words."""
_AUTHORIZATION: Final = re.compile(
    r"""(?i)(?P<kept>\b(?:proxy-)?authorization(?:\\*["'])?\s*[:=,]\s*(?:b?\\*["'])?)[^"'\\\r\n]+"""
)
_SCHEME: Final = re.compile(r"(?i)(?P<kept>\b(?:bearer|basic)(?:\s|%20)+)[\w.~+/%=-]+")

_secrets: Final[set[str]] = set()
"""The secrets that the log must not show. The process has one log, and so one set of secrets."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9]+")
_CONTROL: Final = re.compile(r"(?!\x1b\[[\d;]*m)[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters, except tabs, line ends, and escapes that begin a colour."""


def configure_logging(
    *,
    level: str,
    format: Format = "auto",  # noqa: A002 - the setting's name
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Set up structlog and :mod:`logging`, in place of any earlier set-up.

    Args:
        level: the lowest level that is logged: ``debug``, ``info``, ``warning`` or ``error``.
        format: ``auto`` is ``console`` on a terminal, else ``json`` (a line for each event).
        secrets: texts that must never appear.
        stream: the stream to write to; None: standard error, or nowhere if that is closed.
    """
    _secrets.clear()
    hide_also(secrets)
    target: TextIO | None = sys.stderr if stream is None else stream
    is_terminal = target is not None and target.isatty()
    console = format == "console" or (format == "auto" and is_terminal)
    handler = logging.NullHandler() if target is None else logging.StreamHandler(target)
    handler.setFormatter(_formatter(console=console, colors=is_terminal))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_event_processors(console=console),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def hide_also(secrets: Iterable[str]) -> None:
    """Hide these texts in the log as well: secrets that were read after the log's set-up."""
    _secrets.update(secrets)
    _redact_known.cache_clear()


@cache
def _redact_known() -> Callable[[str], str]:
    return redactor(_secrets)


def redactor(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that hides ``secrets``, and text that looks like credentials."""
    hide = hider(secrets)

    def redact(text: str) -> str:
        text = _AUTHORIZATION.sub(rf"\g<kept>{_MASK}", hide(text))
        return _SCHEME.sub(rf"\g<kept>{_MASK}", text)

    return redact


def hider(secrets: Iterable[str]) -> Callable[[str], str]:
    """Return a function that hides ``secrets`` in a text, and nothing else."""
    # Longest first, because a secret may be a part of another one.
    longest_first = sorted((secret for secret in secrets if len(secret) >= _SHORTEST), key=len)
    longest_first.reverse()
    # There may be thousands of secrets. Every escaped form of a secret keeps its longest run of
    # plain letters, and looking for that run is a hundred times faster than trying all patterns.
    known = [(max(_PLAIN.findall(secret), key=len, default=""), secret) for secret in longest_first]

    def hide(text: str) -> str:
        for plain, secret in known:
            if plain in text:
                parts = re.findall(r"\\+|[A-Za-z0-9]+|.", secret, re.DOTALL)
                text = re.sub("".join(map(_pattern, parts)), _MASK, text)
        return text

    return hide


def _pattern(part: str) -> str:
    """Return a regular expression for a part of a secret: as it is, in a URL, or escaped.

    A part is a run of plain letters, a run of backslashes, or one other character. It may have been
    escaped repeatedly, by JSON in a ``repr`` for example.
    """
    if part.isascii() and part.isalnum():
        return part
    if part.startswith("\\"):
        return rf"(?:\\{{{len(part)},}}|{quote(part)})"
    escaped = [json.dumps(part)[1:-1], ascii(part)[1:-1], repr(part.encode())[2:-1]]
    forms = [re.escape(form).replace(r"\\", r"\\+") for form in escaped]
    forms += [re.escape(quote(part, safe="")), re.escape(quote_plus(part))]
    return rf"(?:\\*{re.escape(part)}|{'|'.join(dict.fromkeys(forms))})"


def _event_processors(*, console: bool) -> list[Processor]:
    """Return the processors for every event, ours or another library's."""
    time_of_day = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
    full_time = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.StackInfoRenderer(),
        time_of_day if console else full_time,
    ]


def _formatter(*, console: bool, colors: bool) -> structlog.stdlib.ProcessorFormatter:
    def redact_line(_logger: WrappedLogger, _method: str, line: EventDict | str) -> str:
        text = _redact_known()(str(line))
        # A lone surrogate has no encoding, and the line would be lost; it is escaped as in JSON.
        return text.encode(errors="backslashreplace").decode()

    if console:
        renderer = structlog.dev.ConsoleRenderer(
            colors=colors,
            repr_native_str=True,
            exception_formatter=structlog.dev.plain_traceback,
        )
        rendering: list[Processor] = [renderer, _escape_controls]
    else:
        frames = structlog.tracebacks.ExceptionDictTransformer(
            show_locals=False, max_frames=10, use_rich=False
        )
        rendering = [
            structlog.processors.ExceptionRenderer(frames),
            _head_first,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_event_processors(console=console),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *rendering,
            redact_line,
        ],
    )


def _head_first(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the most important fields at the beginning of each line."""
    head = ("timestamp", "level", "logger", "event")
    return {**{key: event[key] for key in head if key in event}, **event}


def _escape_controls(_logger: WrappedLogger, _method: str, line: EventDict | str) -> str:
    """Escape control characters, which a name may contain and a terminal would obey."""
    return _CONTROL.sub(lambda match: repr(match[0])[1:-1], str(line))
