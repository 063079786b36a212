"""The settings as pydantic reads and checks them: models made of the plain dataclasses.

Only code that loads settings imports this module: see :mod:`mailroom.settings.setting`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    PlainValidator,
    create_model,
)
from pydantic_core import core_schema
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from mailroom.screener.model.categories import Categories
from mailroom.settings.category_list import CategoryList
from mailroom.settings.model import Settings
from mailroom.settings.raw import PREFIX
from mailroom.settings.setting import Between, Check, Convert, Parse, Secret, Section

_TYPES: Final[Mapping[object, Any]] = {
    Categories: CategoryList,
    Secret: Annotated[
        Secret,
        GetPydanticSchema(
            lambda _source, _handler: core_schema.no_info_after_validator_function(
                Secret, core_schema.str_schema()
            )
        ),
        BeforeValidator(
            lambda value: value.get_secret_value() if isinstance(value, Secret) else value
        ),
    ],
}
"""The types of settings that pydantic does not know, with their form for pydantic."""


class _SectionModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _SettingsModel(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    def __init__(self, sources: Sequence[PydanticBaseSettingsSource]) -> None:
        super().__init__(_build_sources=(tuple(sources), {}))


def validated(sources: Sequence[PydanticBaseSettingsSource]) -> dict[str, Any]:
    """Return sections and settings by name, as :class:`Settings` takes them.

    Args:
        sources: the sources, the one with the highest precedence first.

    Raises:
        pydantic.ValidationError: values of the sources are wrong by themselves.
    """
    model = SCHEMA(sources)
    return {
        name: _SECTIONS[name](**dict(value)) if name in _SECTIONS else value
        for name, value in model
    }


def _annotation(hint: Any) -> Any:
    """Return the annotation of a setting with pydantic's validators in place of our marks."""
    written, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    annotation = _TYPES.get(written, written)
    for mark in marks:
        validator = mark
        match mark:
            case Between():
                validator = Field(ge=mark.least, le=mark.most)
            case Convert():
                validator = BeforeValidator(mark.function)
            case Check():
                validator = AfterValidator(mark.function)
            case Parse():
                validator = PlainValidator(mark.function)
        annotation = Annotated[annotation, validator]
    return annotation


def _fields(owner: type[Any]) -> dict[str, Any]:
    """Return the settings of a dataclass as the fields of a model."""
    hints = get_type_hints(owner, include_extras=True)
    return {
        field.name: (_annotation(hints[field.name]), field.default)
        for field in fields(owner)
        if "meaning" in field.metadata
    }


_SECTIONS: Final[Mapping[str, type[Any]]] = {
    field.name: field.type
    for field in fields(Settings)
    if isinstance(field.type, type) and issubclass(field.type, Section)
}
_MODELS: Final = {
    name: create_model(section.__name__, __base__=_SectionModel, **_fields(section))
    for name, section in _SECTIONS.items()
}
_FIELDS: Final[dict[str, Any]] = {
    **{name: (model, model()) for name, model in _MODELS.items()},
    **_fields(Settings),
}
SCHEMA: Final = create_model("SettingsModel", __base__=_SettingsModel, **_FIELDS)
"""The model of all settings."""
