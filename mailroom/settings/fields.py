"""The types of single settings: the values allowed, and the texts of errors.

The text of an error never contains the value, because any setting may have a secret in it.
"""

import re
import ssl
from datetime import time
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from yarl import URL

from mailroom.http import tls_context
from mailroom.screener.model.age import parse_age
from mailroom.settings.setting import Check, Convert, Parse, Secret
from mailroom.settings.shard import Shard


def service_url(value: object) -> URL:
    """Return the URL of a server.

    Plain http is checked later, because another setting may allow it.

    Raises:
        ValueError: this is not the URL of a server.
    """
    try:
        url = value if isinstance(value, URL) else URL(str(value))
    except ValueError:
        raise ValueError("must be a URL") from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError("must be a URL that begins with https://")
    if url.user is not None or url.password is not None:
        raise ValueError("must not have a user name or a password in the URL")
    return url


def _proxy(value: Secret) -> Secret:
    try:
        url = URL(value.get_secret_value())
    except ValueError:
        raise ValueError("must be a URL") from None
    if value.get_secret_value() and (url.scheme not in {"http", "https"} or not url.host):
        raise ValueError("must be a URL like http://proxy.example.com:3128")
    return value


def _ca_file(value: str) -> str:
    if value:
        try:
            tls_context(value)
        except ssl.SSLError:
            raise ValueError("must be a file of certificates in PEM") from None
        except OSError as error:
            why = str(error.strerror).lower()
            raise ValueError(f"must be a file of certificates in PEM ({why})") from None
    return value


def _age(value: str) -> str:
    if value:
        parse_age(value)
    return value


def _time_zone(value: str) -> str:
    if value:
        try:
            ZoneInfo(value)
        except (ValueError, OSError, LookupError):
            raise ValueError("must be a time zone like Europe/Berlin") from None
    return value


DAY_TIME: Final = r"([01]?\d|2[0-3]):[0-5]\d"
"""The pattern of a time of day."""


def day_time(text: str) -> time:
    """Return the time of a text that matches :data:`DAY_TIME`."""
    hour, _, minute = text.partition(":")
    return time(int(hour), int(minute))


def matching(pattern: str, expected: str) -> Check:
    """Return a validator for a text, or a secret text, that must match a pattern as a whole."""

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, Secret) else value
        if not re.fullmatch(pattern, text):
            raise ValueError(expected)
        return value

    return Check(check)


def _word(value: object) -> object:
    """Return a word in lower case; YAML reads a bare ``off`` as False."""
    if value is False:
        return "off"
    return value.lower() if isinstance(value, str) else value


ServiceUrl = Annotated[URL, Parse(service_url)]
ProxyUrl = Annotated[Secret, Check(_proxy)]
Age = Annotated[str, Check(_age)]
TimeZone = Annotated[str, Check(_time_zone)]
CaFile = Annotated[str, Check(_ca_file)]
HeaderToken = Annotated[
    Secret, matching(r"[\x21-\x7e]*", "must be ASCII without spaces or control characters")
]
# RFC 7617 section 2
Username = Annotated[
    str, matching(r"[^:\x00-\x1f\x7f]*", "must not contain a colon or control characters")
]
Password = Annotated[
    Secret,
    matching(r"[^\x00-\x1f\x7f]*", "must not contain control characters (a line end?)"),
]
# RFC 8601 section 2.5; in practice a host name
AuthservId = Annotated[
    str,
    matching(
        r"((\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?", "must be a host name, or *. and a domain"
    ),
]
ShardOption = Annotated[
    Shard | None,
    Parse(lambda value: value if value is None else Shard.parse(str(value))),
]
Word = Convert(_word)
