"""The texts of mistakes in the settings. A text names the setting, and the values that are allowed.

The wrong value itself is left out, because it may hold a secret that was put in the wrong place.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

_HARMLESS_KEY: Final = re.compile(r"[A-Za-z_]{1,40}")
_HARMLESS_NAME: Final = re.compile(r"[\w.@-]{1,64}")
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
    """The settings cannot be used; ``mistakes`` has a line for each mistake."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__(tuple(mistakes))  # so that pickle can make it again
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join(self.mistakes)


def unknown(name: str, known: Iterable[str], *, prefix: str = "") -> str:
    """Return the mistake for an unknown name, with the known name that was probably meant.

    Args:
        name: the unknown name, as written.
        known: the known names, without ``prefix``.
        prefix: the beginning of ``name``, in any case; the suggestion begins with it.
    """
    by_key = {candidate.lower(): candidate for candidate in known}
    written = name.lower().removeprefix(prefix.lower())
    near = difflib.get_close_matches(written, by_key, n=1, cutoff=0.65)
    hint = f"; did you mean {prefix}{by_key[near[0]]}?" if near else ""
    return f"{name}: unknown{hint}"


def shown_key(key: object) -> str:
    """Return a key of a file, unless it might be a value in the place of a key."""
    return key if isinstance(key, str) and _HARMLESS_KEY.fullmatch(key) else "(hidden key)"


def shown_name(name: object) -> str:
    """Return a wrong name of an account, unless it might be another value."""
    text = str(name)
    return text if _HARMLESS_NAME.fullmatch(text) else "(hidden name)"


def reason(error: Any, known_keys: Iterable[str]) -> str:
    """Return the text for a mistake that pydantic found.

    Args:
        error: one of ``ValidationError.errors()``.
        known_keys: the keys that an entry of a list may have.
    """
    if error["type"] == "extra_forbidden":
        return unknown(shown_key(error["loc"][-1]), known_keys)
    text = str(_TEXTS.get(error["type"], error["msg"]))
    return text.removeprefix("Value error, ").replace("Input should be", "must be")
