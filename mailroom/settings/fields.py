"""The types of single settings: the values allowed, and the texts of errors.

The text of an error never contains the value, because any setting may have a secret in it.
"""

import json
import re
import ssl
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

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
from mailroom.screener.model.categories import Categories, Category
from mailroom.settings.shard import Shard

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_AUTHSERV_ID: Final = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_TOKEN: Final = re.compile(r"[\x21-\x7e]*")


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


def _header_token(value: SecretStr) -> SecretStr:
    if not _TOKEN.fullmatch(value.get_secret_value()):
        raise ValueError("must be ASCII without spaces or control characters")
    return value


def _username(value: str) -> str:
    """Check a user name by RFC 7617 section 2: no colon, no control characters."""
    if ":" in value or _CONTROL.search(value):
        raise ValueError("must not contain a colon or control characters")
    return value


def _password(value: SecretStr) -> SecretStr:
    """Check a password by RFC 7617 section 2: no control characters."""
    if _CONTROL.search(value.get_secret_value()):
        raise ValueError("must not contain control characters (a line end?)")
    return value


def _authserv_id(value: str) -> str:
    """Check an authserv-id (RFC 8601 section 2.5), in practice a host name."""
    if value and not _AUTHSERV_ID.fullmatch(value):
        raise ValueError("must be a host name, or *. and a domain")
    return value


def _shard(value: object) -> Shard | None:
    return value if isinstance(value, Shard | None) else Shard.parse(str(value))


def _word(value: object) -> object:
    """Return a word in lower case; YAML reads a bare ``off`` as False."""
    if value is False:
        return "off"
    return value.lower() if isinstance(value, str) else value


class CategorySettings(BaseModel):
    """A category as it is written; keys that are left out follow from the name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    label: str | None = None
    group: str | None = None
    destination: str | None = None
    parent: str | None = None
    contact_type: ContactType = ContactType.COMPANY
    add_to_inbox: bool = False


def _decoded(value: object) -> object:
    """Return a list of categories from YAML's list, from JSON, or unchanged if already read."""
    if isinstance(value, Categories):
        return [asdict(each) for each in value]
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError("must be a list of categories (in the environment: as JSON)") from None
    if not isinstance(value, list):
        raise ValueError("must be a list of categories")  # noqa: TRY004 - pydantic's protocol
    return value


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The usable part of a list of categories with mistakes.

    Attributes:
        categories: the categories that have a usable name.
        has_gaps: True if some categories have no usable name.
    """

    categories: Categories
    has_gaps: bool


def salvage(value: object) -> Salvaged | None:
    """Return the usable part of a list of categories; None if it is not a list at all."""
    try:
        entries = _decoded(value)
    except ValueError:
        return None
    if not isinstance(entries, list):
        return None
    usable = [each for each in map(_usable, entries) if each is not None]
    return Salvaged(_categories(usable), has_gaps=len(usable) < len(entries))


def _usable(entry: object) -> CategorySettings | None:
    """Return a category without the keys that are unknown or have a wrong value."""
    if not isinstance(entry, dict):
        return None
    given = dict(entry)
    while True:
        try:
            return CategorySettings.model_validate(given)
        except ValidationError as error:
            wrong = {each["loc"][0] for each in error.errors() if each["loc"]}
        if "name" in wrong or not wrong & given.keys():
            return None
        given = {key: each for key, each in given.items() if key not in wrong}


def _categories(written: list[CategorySettings]) -> Categories:
    return Categories(Category.named(**each.model_dump()) for each in written)


def _category_schema(_source: Any, handler: Any) -> core_schema.CoreSchema:
    """Return the schema of a setting that is written as a list and read as :class:`Categories`."""
    written = handler.generate_schema(list[CategorySettings])
    return core_schema.no_info_after_validator_function(_categories, written)


ServiceUrl = Annotated[URL, PlainValidator(service_url)]
HeaderToken = Annotated[SecretStr, AfterValidator(_header_token)]
Username = Annotated[str, AfterValidator(_username)]
Password = Annotated[SecretStr, AfterValidator(_password)]
ShardOption = Annotated[Shard | None, PlainValidator(_shard)]
AuthservId = Annotated[str, AfterValidator(_authserv_id)]
ProxyUrl = Annotated[SecretStr, AfterValidator(_proxy)]
CaFile = Annotated[str, AfterValidator(_ca_file)]
Word = BeforeValidator(_word)
CategoryList = Annotated[Categories, GetPydanticSchema(_category_schema), BeforeValidator(_decoded)]
