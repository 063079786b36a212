"""The list of all variables, as it follows from the model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from mailroom.settings.model import PREFIX, Settings

Path = tuple[str, ...]
"""Where a setting stands: ``("jmap", "token")``."""

CONFIG: Final = PREFIX + "CONFIG"
SECRETS_DIR: Final = PREFIX + "SECRETS_DIR"


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting. ``default`` is as the model has it."""

    name: str
    path: Path
    default: Any
    meaning: str


def _variables(model: type[BaseModel], path: Path) -> Iterator[Variable]:
    for key, field in model.model_fields.items():
        here = (*path, key)
        default = field.get_default(call_default_factory=True, validated_data={})
        if isinstance(default, BaseModel):
            yield from _variables(type(default), here)
        else:
            name = PREFIX + "_".join(here).upper()
            yield Variable(name, here, default, field.description or "")


VARIABLES: Final = {each.name: each for each in _variables(Settings, ())}
PATHS: Final = {each.path: each for each in VARIABLES.values()}
