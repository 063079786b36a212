"""The list of categories as it is written, and the usable part of a list with mistakes."""

import json
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetPydanticSchema, ValidationError
from pydantic_core import core_schema

from mailroom.contacts.model import ContactType
from mailroom.screener.model.categories import Categories, Category


class CategorySettings(BaseModel):
    """A category as written; a missing label, group or destination follows from the name."""

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
    """Return the entries of a list of categories: of a YAML list, of JSON, or of the default."""
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


def usable_categories(value: object) -> tuple[Categories, bool] | None:
    """Return the usable part of a list of categories with mistakes; None if it is not a list.

    The second value is True if some categories have no usable name, and are left out.
    """
    try:
        entries = _decoded(value)
    except ValueError:
        return None
    usable = [category for category in map(_without_wrong_keys, entries) if category is not None]
    return _categories(usable), len(usable) < len(entries)


def _without_wrong_keys(entry: object) -> CategorySettings | None:
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
