"""The types of single settings: the values allowed, and the texts of errors.

The text of an error never contains the value, because any setting may have a secret in it.
"""

import json
import re
import ssl
from dataclasses import asdict
from datetime import time
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetPydanticSchema,
    PlainValidator,
    SecretStr,
    ValidationError,
)
from pydantic_core import core_schema
from yarl import URL

from mailroom.contacts.model import ContactType
from mailroom.http import trusting
from mailroom.screener.model.age import parse_age
from mailroom.screener.model.categories import Categories, Category
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


def _proxy(value: SecretStr) -> SecretStr:
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
            trusting(value)
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


def matching(pattern: str, expected: str) -> AfterValidator:
    """Return a validator for a text, or a secret text, that must match a pattern as a whole."""

    def check(value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not re.fullmatch(pattern, text):
            raise ValueError(expected)
        return value

    return AfterValidator(check)


def _word(value: object) -> object:
    """Return a word in lower case; YAML reads a bare ``off`` as False."""
    if value is False:
        return "off"
    return value.lower() if isinstance(value, str) else value


class CategorySettings(BaseModel):
    """A category as written; keys that are left out follow from the name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    label: str | None = None
    group: str | None = None
    destination: str | None = None
    parent: str | None = None
    contact_type: ContactType = ContactType.COMPANY
    add_to_inbox: bool = False
    mark_seen: bool = False
    denies: bool = False


def _decoded(value: object) -> list[Any]:
    """Return a list of categories from YAML's list, from JSON, or unchanged if already read."""
    if isinstance(value, Categories):
        return [asdict(category) for category in value]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("must be a list of categories (in the environment: as JSON)") from None
    if not isinstance(value, list):
        raise ValueError("must be a list of categories")  # noqa: TRY004 - pydantic's protocol
    return value


def salvage(value: object) -> tuple[Categories, bool] | None:
    """Return the usable part of a list of categories with mistakes; None if it is not a list.

    The second value is True if some categories have no usable name, and are left out.
    """
    try:
        entries = _decoded(value)
    except ValueError:
        return None
    usable = [category for category in map(_usable, entries) if category is not None]
    return _categories(usable), len(usable) < len(entries)


def _usable(entry: object) -> CategorySettings | None:
    """Return a category without the keys that are unknown or have a wrong value."""
    if not isinstance(entry, dict):
        return None
    given = dict(entry)
    while True:
        try:
            return CategorySettings.model_validate(given)
        except ValidationError as error:
            wrong = {detail["loc"][0] for detail in error.errors() if detail["loc"]}
        if "name" in wrong or not wrong & given.keys():
            return None
        given = {key: part for key, part in given.items() if key not in wrong}


def _categories(written: list[CategorySettings]) -> Categories:
    return Categories(Category.named(**category.model_dump()) for category in written)


ServiceUrl = Annotated[URL, PlainValidator(service_url)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
Age = Annotated[str, AfterValidator(_age)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
CaFile = Annotated[str, AfterValidator(_ca_file)]
HeaderToken = Annotated[
    SecretStr, matching(r"[\x21-\x7e]*", "must be ASCII without spaces or control characters")
]
# RFC 7617 section 2
Username = Annotated[
    str, matching(r"[^:\x00-\x1f\x7f]*", "must not contain a colon or control characters")
]
Password = Annotated[
    SecretStr,
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
    PlainValidator(lambda value: value if value is None else Shard.parse(str(value))),
]
Word = BeforeValidator(_word)
CategoryList = Annotated[
    Categories,
    # Written as a list, and read as Categories.
    GetPydanticSchema(
        lambda _source, handler: core_schema.no_info_after_validator_function(
            _categories, handler.generate_schema(list[CategorySettings])
        )
    ),
    BeforeValidator(_decoded),
]
