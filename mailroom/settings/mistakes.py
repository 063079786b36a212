"""Puts a mistake in the settings into words: where it is, what is expected, never the value.

Values stay out altogether, for any of them may be, or hold, a secret that went astray.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

_SAYABLE_KEY: Final = re.compile(r"[A-Za-z_]{1,40}")
_SAYABLE_NAME: Final = re.compile(r"[\w.@-]{1,64}")
_TEXTS: Final = {
    "missing": "is missing",
    "string_type": "must be a text (put it in quotation marks)",
    "model_type": "must be a mapping",
    "float_parsing": "must be a number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_parsing": "must be true or false",
}


class SettingsError(Exception):
    """The settings cannot be used; ``mistakes`` says everything that is wrong, a line for each."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__(*mistakes)
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join(self.mistakes)


def unknown(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """A name that means nothing, with the one that was probably meant.

    Args:
        name: as it was written.
        known: what could have been meant, without ``prefix``, as the suggestion is to show it.
        prefix: what ``name`` begins with anyway, in whatever case; put before the suggestion.
    """
    by_key = {each.lower(): each for each in known}
    written = name.lower().removeprefix(prefix.lower())
    near = difflib.get_close_matches(written, by_key, n=1, cutoff=0.65)
    hint = f"; did you mean {prefix}{by_key[near[0]]}?" if near else ""
    return f"{name}: unknown{hint}"


def sayable(key: object) -> str:
    """A key of a file, unless it might be a value that took a key's place."""
    return key if isinstance(key, str) and _SAYABLE_KEY.fullmatch(key) else "(an odd key)"


def sayable_name(name: object) -> str:
    """What somebody called an account, unless it is too odd for a name."""
    said = str(name)
    return said if _SAYABLE_NAME.fullmatch(said) else "(an odd name)"


def reason(error: Any, known_keys: Iterable[str]) -> str:
    """What pydantic found, in our words.

    Args:
        error: one of ``ValidationError.errors()``.
        known_keys: the keys that can stand in an entry of a list.
    """
    if error["type"] == "extra_forbidden":
        return unknown(sayable(error["loc"][-1]), known_keys)
    text = str(_TEXTS.get(error["type"], error["msg"]))
    return text.removeprefix("Value error, ").replace("Input should be", "must be")
